//! The engine about itself: `/version`, `/info`.

use super::request::Call;
use super::{Engine, EngineError};
use hyper::Method;
use serde::Deserialize;

/// What the engine says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EngineVersion {
    /// `28.5.2`.
    pub version: String,
    /// Its newest API version: `1.51`.
    pub api_version: String,
    /// Its oldest.
    #[serde(rename = "MinAPIVersion")]
    pub min_api_version: String,
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub arch: String,
    /// Its parts; Podman names itself here.
    pub components: Vec<EngineComponent>,
}

/// A part of the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EngineComponent {
    /// `Engine`, `containerd`, `Podman Engine`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl EngineVersion {
    /// Whether it is Podman's service, which speaks an old API version and differs in many answers.
    pub fn is_podman(&self) -> bool {
        self.components.iter().any(|component| component.name.starts_with("Podman"))
    }
}

impl Engine {
    /// What the engine is. `GET /version`.
    ///
    /// # Errors
    /// The engine's refusal, or no answer.
    pub async fn version(&self) -> Result<EngineVersion, EngineError> {
        self.call_json(Call::new(Method::GET, "read", "the engine's version", "/version")).await
    }

    /// What the engine has and can, as it is: engines differ too much in it for a type. `GET /info`.
    ///
    /// # Errors
    /// The engine's refusal, or no answer.
    pub async fn info(&self) -> Result<serde_json::Value, EngineError> {
        self.call_json(Call::new(Method::GET, "read", "the engine's information", "/info")).await
    }
}
