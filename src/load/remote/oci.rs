//! OCI artifacts.

use super::{Copy, Refusal};
use crate::model::Environment;

/// What a reference to an artifact starts with.
pub const SCHEME: &str = "oci://";

/// The copy of what a reference names.
pub fn fetch(file: &str, _environment: &Environment) -> Result<Copy, Refusal> {
    Err(Refusal::new(format!("`{file}` is an OCI artifact, which cannot be read yet"))
        .help("fetch it, and name the local file"))
}
