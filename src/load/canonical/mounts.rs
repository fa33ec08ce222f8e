//! The short form of a service's `volumes`: `[source:]target[:options]`.

use super::mapping;
use crate::source::Span;
use crate::yaml::{Data, Node};

/// A short volume, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Short {
    pub source: String,
    /// As written; the model cleans it.
    pub target: String,
    read_only: bool,
    nocopy: bool,
    propagation: Option<String>,
    selinux: Option<String>,
    /// One or two characters alone: the reference gives such a volume no options block.
    bare: bool,
}

impl Short {
    /// Takes a text apart.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.len() {
            0 => return Err("it is empty".to_owned()),
            1 | 2 => return Ok(Self { target: text.to_owned(), bare: true, ..Self::default() }),
            _ => {}
        }
        let sections = sections(text);
        let mut mount = Self::default();
        let last = sections.len() - 1;
        for (index, section) in sections.into_iter().enumerate() {
            if section.is_empty() {
                return Err("there is nothing between two colons".to_owned());
            }
            if mount.source.is_empty() && index < last {
                mount.source = section;
            } else if mount.target.is_empty() {
                mount.target = section;
            } else if index < last {
                return Err("there are too many colons".to_owned());
            } else {
                mount.options(&section);
            }
        }
        Ok(mount)
    }

    fn options(&mut self, options: &str) {
        for option in options.split(',') {
            match option {
                "ro" => self.read_only = true,
                "rw" => self.read_only = false,
                "nocopy" => self.nocopy = true,
                "rprivate" | "private" | "rshared" | "shared" | "rslave" | "slave" => {
                    self.propagation = Some(option.to_owned());
                }
                "z" | "Z" => self.selinux = Some(option.to_owned()),
                // Options for other platforms, such as `cached`, mean nothing here.
                _ => {}
            }
        }
    }

    /// The long form.
    pub fn into_data(self, span: Span) -> Data {
        let text = |text: &str| Node::string(span, text);
        let yes = || Node::new(span, Data::Bool(true));
        let bind = is_path(&self.source);
        let kind = if bind { "bind" } else { "volume" };
        let mut data = mapping([("type", text(kind))], span);
        let Data::Mapping(mount) = &mut data else { return data };
        if !self.source.is_empty() {
            mount.insert("source", span, text(&self.source));
        }
        mount.insert("target", span, text(&clean_target(&self.target)));
        if self.read_only {
            mount.insert("read_only", span, yes());
        }
        if bind || self.propagation.is_some() || self.selinux.is_some() {
            let mut options = mapping([], span);
            if let Data::Mapping(options) = &mut options {
                if let Some(selinux) = &self.selinux {
                    options.insert("selinux", span, text(selinux));
                }
                if let Some(propagation) = &self.propagation {
                    options.insert("propagation", span, text(propagation));
                }
                if bind {
                    options.insert("create_host_path", span, yes());
                }
            }
            mount.insert("bind", span, Node::new(span, options));
        }
        if self.nocopy || (!bind && !self.bare) {
            let mut options = mapping([], span);
            if let (true, Data::Mapping(options)) = (self.nocopy, &mut options) {
                options.insert("nocopy", span, yes());
            }
            mount.insert("volume", span, Node::new(span, options));
        }
        data
    }
}

/// The parts between colons; a colon after a single letter belongs to a Windows drive, one inside `${…}` to a template.
fn sections(text: &str) -> Vec<String> {
    let mut sections = Vec::new();
    let mut section = String::new();
    let mut open = 0_u32;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '$' && characters.peek() == Some(&'{') {
            open += 1;
        } else if character == '}' && open > 0 {
            open -= 1;
        } else if character == ':' && open == 0 && !is_drive(&section) {
            sections.push(std::mem::take(&mut section));
            continue;
        }
        section.push(character);
    }
    sections.push(section);
    sections
}

/// A single letter.
fn is_drive(section: &str) -> bool {
    let mut characters = section.chars();
    characters.next().is_some_and(char::is_alphabetic) && characters.next().is_none()
}

/// Whether a source is a host path and not the key of a volume.
fn is_path(source: &str) -> bool {
    if source.starts_with(['.', '/', '~']) || source.starts_with("\\\\") {
        return true;
    }
    let mut characters = source.chars();
    characters.next().is_some_and(char::is_alphabetic) && characters.next() == Some(':')
}

/// A container path with `.`, `..` and double slashes taken out; empty stays empty.
pub fn clean_target(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::{Short, clean_target};

    fn check(text: &str, source: &str, target: &str) {
        let mount = Short::parse(text).unwrap();
        assert_eq!((mount.source.as_str(), mount.target.as_str()), (source, target), "{text}");
    }

    #[test]
    fn sources_and_targets_are_told_apart() {
        check("/data", "", "/data");
        check("data:/data", "data", "/data");
        check("./a:/b:ro", "./a", "/b");
        check("v:/v", "", "v:/v");
        check("C:\\a:/b", "C:\\a", "/b");
        check("${A:-x}:/b", "${A:-x}", "/b");
        check("/x", "", "/x");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["", ":/x", "/a::ro", "a1:/b:ro:rw"] {
            assert!(Short::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn targets_are_cleaned() {
        for (path, cleaned) in
            [("/a/../b/", "/b"), ("a/./b", "a/b"), ("/", "/"), ("..", ".."), ("/..", "/"), ("", "")]
        {
            assert_eq!(clean_target(path), cleaned);
        }
    }
}
