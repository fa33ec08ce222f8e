//! `alpha viz`: the services and their `depends_on` in the words of the reference.

use crate::model::{Port, Project, Service};
use crate::ui::timeline::escaped;

/// What is written about each service, and how lines are indented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VizOptions {
    /// The networks.
    pub networks: bool,
    /// The published ports.
    pub ports: bool,
    /// The image.
    pub image: bool,
    /// What a line inside begins with.
    pub indentation: String,
}

/// The graph for Graphviz, as `docker compose alpha viz` prints it.
///
/// Differs: services and arrows are in the order of their names; the reference's order is another each time. What HTML has a
/// meaning for is escaped.
pub fn viz(project: &Project, options: &VizOptions) -> String {
    let indent = &options.indentation;
    let mut text =
        format!("digraph {} {{\n{indent}layout=dot;\n", super::texts::quoted(project.name.as_str()));
    for service in project.services.values() {
        let label = label(project, service, options);
        text.push_str(&format!("{indent}\"{}\" [style=\"filled\" label=<{label}>];\n", service.name));
    }
    text.push('\n');
    for service in project.services.values() {
        for dependency in service.depends_on.keys() {
            text.push_str(&format!("{indent}\"{}\" -> \"{dependency}\";\n", service.name));
        }
    }
    text + "}\n"
}

fn label(project: &Project, service: &Service, options: &VizOptions) -> String {
    let mut text = format!("<font point-size=\"15\">{}</font>", escaped(service.name.as_str()));
    let mut part = |title: &str, lines: Vec<String>| {
        let lines: String = lines.iter().map(|line| format!("<br/>{}", escaped(line))).collect();
        text.push_str(&format!("<font point-size=\"10\"><br/><br/><b>{title}:</b>{lines}</font>"));
    };
    if options.networks && !service.networks.is_empty() {
        part("Networks", service.networks.keys().map(ToString::to_string).collect());
    }
    if options.ports && !service.ports.is_empty() {
        part("Ports", service.ports.iter().map(port).collect());
    }
    if options.image {
        part("Image", vec![project.image_name(service)]);
    }
    text
}

fn port(port: &Port) -> String {
    let host = if port.host_ip.is_empty() { String::new() } else { format!("{}:", port.host_ip) };
    let published = if port.published.is_empty() { String::new() } else { format!("{}:", port.published) };
    format!("{host}{published}{} ({}, {})", port.target, port.protocol, port.mode)
}
