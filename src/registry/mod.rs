//! Registries of images and artifacts: their names, who one is to them, and reading from them.
//!
//! In: names as they are written, and Docker's configuration. Out: whole names, credentials, and what a registry holds.
//! Deliberately absent: the engine, which pulls and pushes images on its own, and logging in. Start reading at
//! [`Reference`] and [`Client`].

mod challenge;
mod client;
mod login;
mod reference;

pub use client::{Client, Document, RegistryError, RegistryErrorKind, digest};
pub use login::{Logins, RegistryAuth, decode_base64, helpers};
pub use reference::Reference;
