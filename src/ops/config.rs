//! What `config` shows, as texts.

use crate::load::Loaded;

/// Output format of `config`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// YAML.
    #[default]
    Yaml,
    /// JSON.
    Json,
}

/// The whole project.
pub fn render(_loaded: &Loaded, _format: Format) -> String {
    String::new()
}

/// Service names, one a line.
pub fn services(loaded: &Loaded) -> String {
    loaded.project.services.keys().map(|name| format!("{name}\n")).collect()
}
