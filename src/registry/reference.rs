//! Names of images and artifacts: `registry/repository:tag@digest`, with what is left out filled in.
//!
//! <https://pkg.go.dev/github.com/distribution/reference>

use std::fmt;

/// The registry of names that name none.
const HUB: &str = "docker.io";
/// The most characters that a repository's name may have, with its registry.
const MOST: usize = 255;

/// The whole name of an image or artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `docker.io`, `host` or `host:port`.
    pub registry: String,
    /// The path in the registry: `library/redis`.
    pub repository: String,
    /// `latest` when neither a tag nor a digest is written; none when a digest says it all.
    pub tag: Option<String>,
    /// `sha256:…`.
    pub digest: Option<String>,
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(formatter, "@{digest}")?;
        }
        Ok(())
    }
}

impl Reference {
    /// Reads a name. A tag beside a digest is dropped: the digest alone decides.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about the name.
    pub fn read(text: &str) -> Result<Self, String> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if let Some(digest) = digest
            && !is_digest(digest)
        {
            return Err(format!("has the digest `{digest}`, which is none"));
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first, rest),
            _ => (HUB, name),
        };
        let registry = if registry == "index.docker.io" { HUB } else { registry };
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(format!("has the tag `{tag}`, which is none"));
        }
        if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err("has capital letters in its repository".to_owned());
        }
        let nameless = registry == HUB && !path.contains('/');
        let repository = if nameless { format!("library/{path}") } else { path.to_owned() };
        // 64 hexadecimal digits are an image's id, and no name.
        let is_id = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let whole = repository.split('/').all(is_component);
        if !whole || is_id || !is_host(registry) || registry.len() + repository.len() >= MOST {
            return Err("is not the name of an image".to_owned());
        }
        let tag = match (tag, digest) {
            (_, Some(_)) => None,
            (None, None) => Some("latest".to_owned()),
            (Some(tag), None) => Some(tag.to_owned()),
        };
        Ok(Self { registry: registry.to_owned(), repository, tag, digest: digest.map(ToOwned::to_owned) })
    }

    /// What it is asked for by: its digest, else its tag.
    pub fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
}

/// The registry in a name of an image.
pub(super) fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if is_registry(first) && first != "index.docker.io" => first,
        _ => HUB,
    }
}

/// Whether the first part of a name is a registry: it has a dot, a port or a capital letter, or is `localhost`.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// `host`, `host:port`, `[::1]:port`.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_is_good =
        port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host_is_good = match bracketed {
        Some(address) => {
            !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
        }
        None => host.split('.').all(|label| {
            let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
            ends(label.bytes().next())
                && ends(label.bytes().last())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }),
    };
    host_is_good && port_is_good
}

/// Words of lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = |byte: Option<u8>| byte.is_some_and(is_word);
    ends(text.bytes().next())
        && ends(text.bytes().last())
        && text
            .split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit())
            .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    let Some((algorithm, sum)) = text.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    sum.len() == length && sum.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "1111111111111111111111111111111111111111111111111111111111111111";

    #[test]
    fn what_a_name_leaves_out_is_filled_in() {
        let check = |text: &str, expect: &str| {
            assert_eq!(Reference::read(text).map(|name| name.to_string()).as_deref(), Ok(expect), "{text}");
        };
        check("redis", "docker.io/library/redis:latest");
        check("team/app:1", "docker.io/team/app:1");
        check("index.docker.io/redis", "docker.io/library/redis:latest");
        check("docker.io/redis:7", "docker.io/library/redis:7");
        check("quay.io/a/b_c/d__e-f--g.h", "quay.io/a/b_c/d__e-f--g.h:latest");
        check("localhost/a", "localhost/a:latest");
        check("[::1]:5000/a:x", "[::1]:5000/a:x");
        check("Host/a", "Host/a:latest");
        check(&format!("a:1@sha256:{SUM}"), &format!("docker.io/library/a@sha256:{SUM}"));
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        let check = |text: &str, expect: &str| {
            assert_eq!(Reference::read(text).map(|name| name.to_string()), Err(expect.to_owned()), "{text}");
        };
        check("a/Upper", "has capital letters in its repository");
        check("a:b c", "has the tag `b c`, which is none");
        check("a@sha256:12", "has the digest `sha256:12`, which is none");
        for text in ["", "/", "a/", "a//b", "a/../b", "r.io/", "a._b", "-a", "a-", "r_.io/a", "r.io:/a", SUM]
        {
            check(text, "is not the name of an image");
        }
    }

    #[test]
    fn the_registry_of_an_image_is_its_first_part_when_that_looks_like_a_host() {
        let check = |image: &str, expect: &str| assert_eq!(registry_of(image), expect, "{image}");
        check("redis", "docker.io");
        check("library/redis:7", "docker.io");
        check("quay.io/a/b", "quay.io");
        check("localhost/a", "localhost");
        check("localhost:5000/a", "localhost:5000");
    }
}
