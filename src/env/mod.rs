//! Variables: `${NAME}` templates, the `.env` grammar, and which layer of the environment wins.
//!
//! In: texts and look-ups. Out: values, and mistakes with their byte range in the text. Deliberately absent: files and
//! the process's environment (the caller reads them), and YAML.

pub mod dotenv;
pub mod template;
