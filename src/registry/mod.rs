//! Registries of images and artifacts: their names, and who one is to them.
//!
//! In: names as they are written, and Docker's configuration. Out: whole names and credentials. Deliberately absent: the
//! engine, which pulls and pushes images on its own, and logging in. Start reading at [`Reference`].

mod login;
mod reference;

pub use login::{Logins, RegistryAuth, decode_base64};
pub use reference::Reference;
