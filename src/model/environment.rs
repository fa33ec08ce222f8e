//! Variables: the ones that interpolate files, and the ones that containers get.

use std::collections::BTreeMap;

/// The variables that `${NAME}` in a file can see: the process's own over those of `.env` files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The value of a variable. Names are case-sensitive.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Sets a variable, replacing what was there.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.variables.insert(name.into(), value.into());
    }

    /// Sets a variable unless it is there.
    pub fn set_default(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.variables.entry(name.into()).or_insert_with(|| value.into());
    }

    /// All variables, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(iter: T) -> Self {
        Self { variables: iter.into_iter().collect() }
    }
}

/// `KEY: value` pairs; `None` is a key without a value (`FOO` or `FOO:`), which takes the project environment's
/// value, or unsets the image's.
pub type EnvironmentMap = BTreeMap<String, Option<String>>;
