//! The graph in the languages of Graphviz and Mermaid, which lay it out themselves.

use super::{Graph, GraphPart, GraphService};

/// For Graphviz. <https://graphviz.org/doc/info/lang.html>
pub(super) fn dot(graph: &Graph) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&graph.project));
    text.push_str("  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for service in &graph.services {
        let label = quoted(&about(service).join("\n"));
        text.push_str(&format!(
            "  {} [shape=box, style=rounded, label={label}];\n",
            quoted(&format!("service {}", service.name))
        ));
    }
    for (kind, shape, parts) in
        [("network", "ellipse", &graph.networks), ("volume", "cylinder", &graph.volumes)]
    {
        for part in parts {
            let id = quoted(&format!("{kind} {}", part.key));
            text.push_str(&format!(
                "  {id} [shape={shape}, label={}];\n",
                quoted(&about_part(part).join("\n"))
            ));
        }
    }
    for service in &graph.services {
        let from = quoted(&format!("service {}", service.name));
        for need in &service.needs {
            let style = if need.required { "" } else { ", style=dashed" };
            let to = quoted(&format!("service {}", need.service));
            text.push_str(&format!("  {from} -> {to} [label={}{style}];\n", quoted(&need.words())));
        }
        for network in &service.networks {
            let to = quoted(&format!("network {network}"));
            text.push_str(&format!("  {from} -> {to} [dir=none, style=dotted];\n"));
        }
        for mount in &service.mounts {
            let to = quoted(&format!("volume {}", mount.volume));
            text.push_str(&format!("  {from} -> {to} [dir=none, label={}];\n", quoted(&mount.words())));
        }
    }
    text + "}\n"
}

/// For Mermaid. <https://mermaid.js.org/syntax/flowchart.html>
pub(super) fn mermaid(graph: &Graph) -> String {
    let number = |keys: Vec<&str>, key: &str| keys.iter().position(|one| *one == key).unwrap_or_default();
    let service_at = |name: &str| number(graph.services.iter().map(|one| one.name.as_str()).collect(), name);
    let network_at = |key: &str| number(graph.networks.iter().map(|one| one.key.as_str()).collect(), key);
    let volume_at = |key: &str| number(graph.volumes.iter().map(|one| one.key.as_str()).collect(), key);
    let mut text = "flowchart TB\n".to_owned();
    for (at, service) in graph.services.iter().enumerate() {
        text.push_str(&format!("  s{at}[\"{}\"]\n", mermaid_text(&about(service))));
    }
    for (at, part) in graph.networks.iter().enumerate() {
        text.push_str(&format!("  n{at}([\"{}\"])\n", mermaid_text(&about_part(part))));
    }
    for (at, part) in graph.volumes.iter().enumerate() {
        text.push_str(&format!("  v{at}[(\"{}\")]\n", mermaid_text(&about_part(part))));
    }
    for (at, service) in graph.services.iter().enumerate() {
        for need in &service.needs {
            let (words, to) = (need.words(), service_at(&need.service));
            let arrow = if need.required { "-->" } else { "-.->" };
            let words = if words.is_empty() { words } else { format!("|\"{}\"|", mermaid_text(&[words])) };
            text.push_str(&format!("  s{at} {arrow}{words} s{to}\n"));
        }
        for network in &service.networks {
            text.push_str(&format!("  s{at} -.- n{}\n", network_at(network)));
        }
        for mount in &service.mounts {
            let words = mermaid_text(&[mount.words()]);
            text.push_str(&format!("  s{at} ---|\"{words}\"| v{}\n", volume_at(&mount.volume)));
        }
    }
    text
}

/// A service in a few lines.
pub(super) fn about(service: &GraphService) -> Vec<String> {
    let replicas = if service.replicas == 1 { String::new() } else { format!(" ×{}", service.replicas) };
    let mut lines = vec![format!("{}{replicas}", service.name)];
    lines.extend(service.provider.iter().map(|provider| format!("by {provider}")));
    lines.extend(Some(service.image.clone()).filter(|image| !image.is_empty()));
    lines.extend(service.ports.iter().cloned());
    lines.extend(service.network_mode.iter().map(|mode| format!("network: {mode}")));
    lines
}

/// A network or volume in one line or two.
fn about_part(part: &GraphPart) -> Vec<String> {
    let mut lines = vec![part.key.clone()];
    lines.extend(part.words());
    lines
}

impl GraphPart {
    /// What is special about it.
    pub(super) fn words(&self) -> Option<String> {
        let words = [self.external.then_some("external"), self.internal.then_some("internal")];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// A text of Graphviz.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Lines in a text of Mermaid, which takes HTML in it.
fn mermaid_text(lines: &[String]) -> String {
    let safe = |line: &String| {
        let line = line.replace('&', "#amp;").replace('"', "#quot;");
        line.replace('<', "#lt;").replace('>', "#gt;").replace('`', "#96;")
    };
    lines.iter().map(safe).collect::<Vec<_>>().join("<br/>")
}
