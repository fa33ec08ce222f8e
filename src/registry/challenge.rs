//! What a registry asks for before it lets one read. RFC 9110, section 11.6.1.

use hyper::header::HeaderValue;

/// A challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password.
    Basic,
    /// A token from elsewhere.
    Bearer {
        /// Where tokens are.
        realm: String,
        /// Who it is for.
        service: String,
        /// What for.
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads `WWW-Authenticate`; none when it asks for something else.
    pub(super) fn read(header: &HeaderValue) -> Option<Self> {
        let text = header.to_str().ok()?.trim();
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (None, String::new(), None);
        for (name, value) in parameters(rest) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "service" => service = value,
                "scope" if !value.is_empty() => scope = Some(value),
                _ => {}
            }
        }
        Some(Self::Bearer { realm: realm?, service, scope })
    }
}

/// `name=value, name="quoted, value"` pairs.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches(|letter: char| letter == ',' || letter.is_whitespace()).to_owned();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            None => after.split_once(',').unwrap_or((after, "")),
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        };
        found.push((name, value.trim().to_owned()));
        rest = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Challenge> {
        Challenge::read(&HeaderValue::from_str(text).unwrap())
    }

    fn bearer(realm: &str, service: &str, scope: Option<&str>) -> Challenge {
        let scope = scope.map(ToOwned::to_owned);
        Challenge::Bearer { realm: realm.to_owned(), service: service.to_owned(), scope }
    }

    #[test]
    fn challenges_are_read_with_quoted_commas_and_in_any_order() {
        assert_eq!(read("Basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(read("basic"), Some(Challenge::Basic));
        assert_eq!(
            read("Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a:pull,push\""),
            Some(bearer("https://a/t", "s", Some("repository:a:pull,push")))
        );
        assert_eq!(read("BEARER service=s, Realm=\"https://a/t\""), Some(bearer("https://a/t", "s", None)));
    }

    #[test]
    fn what_cannot_be_answered_is_no_challenge() {
        for text in ["Bearer", "Bearer service=\"s\"", "Negotiate", "Digest realm=\"x\"", "Bearer realm"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
