//! The short form of `ports`: `[[ip:]published:]target[/protocol]`, where `published` and `target` may be ranges.

use super::mapping;
use crate::source::Span;
use crate::yaml::{Data, Node};
use std::net::IpAddr;

/// The ports that a text stands for, in the reference's order (that of the texts `port/protocol`).
///
/// # Errors
/// What is wrong with it, to be put behind "in `text`".
pub fn parse(text: &str, span: Span) -> Result<Vec<Node>, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (ip, published, target) = match parts.as_slice() {
        [] => (String::new(), "", ""),
        [target] => (String::new(), "", *target),
        [published, target] => (String::new(), *published, *target),
        [ip @ .., published, target] => (ip.join(":"), *published, *target),
    };
    let (target, protocol) = split_protocol(target);
    let ip = address(&ip)?;
    if target.is_empty() {
        return Err("the container's port is missing".to_owned());
    }
    let (first, last) = range(target).ok_or_else(|| format!("`{target}` is not a container port"))?;
    let host = match published {
        "" => None,
        _ => Some(range(published).ok_or_else(|| format!("`{published}` is not a host port"))?),
    };
    if let Some((first_host, last_host)) = host
        && last - first != last_host - first_host
        && first != last
    {
        return Err(format!("the ranges `{published}` and `{target}` differ in length"));
    }
    let protocol = protocol.to_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("`{protocol}` is not a protocol; it must be `tcp`, `udp` or `sctp`"));
    }
    let mut ports: Vec<(String, Node)> = Vec::new();
    for port in first..=last {
        let published = match host {
            None => None,
            Some((from, to)) if first == last && from != to => Some(format!("{from}-{to}")),
            Some((from, _)) => Some((from + (port - first)).to_string()),
        };
        ports.push((format!("{port}/{protocol}"), node(port, published, ip.as_deref(), &protocol, span)));
    }
    ports.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(ports.into_iter().map(|(_, node)| node).collect())
}

fn node(target: u32, published: Option<String>, ip: Option<&str>, protocol: &str, span: Span) -> Node {
    let text = |text: &str| Node::string(span, text);
    let mut data = mapping(
        [
            ("mode", text("ingress")),
            ("target", Node::new(span, Data::Int(i64::from(target)))),
            ("protocol", text(protocol)),
        ],
        span,
    );
    if let Data::Mapping(port) = &mut data {
        if let Some(ip) = ip {
            port.insert("host_ip", span, text(ip));
        }
        if let Some(published) = published {
            port.insert("published", span, text(&published));
        }
    }
    Node::new(span, data)
}

fn split_protocol(target: &str) -> (&str, &str) {
    let mut parts = target.split('/');
    let port = parts.next().unwrap_or_default();
    match parts.next() {
        None | Some("") => (port, "tcp"),
        Some(protocol) => (port, protocol),
    }
}

/// IPv6 addresses must stand in brackets, which are taken off.
fn address(ip: &str) -> Result<Option<String>, String> {
    if ip.is_empty() {
        return Ok(None);
    }
    let bare = match ip.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .ok_or_else(|| format!("the bracket of the address `{ip}` is not closed"))?,
        None if ip.contains(':') => {
            return Err(format!("`{ip}` is not an IP address; put an IPv6 address in brackets: `[{ip}]`"));
        }
        None => ip,
    };
    if bare.parse::<IpAddr>().is_err() {
        return Err(format!("`{ip}` is not an IP address"));
    }
    Ok(Some(bare.to_owned()))
}

/// `80` or `80-90`.
fn range(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('-');
    let first = port(parts.next()?)?;
    let last = match parts.next() {
        Some(last) => port(last)?,
        None => first,
    };
    (first <= last).then_some((first, last))
}

fn port(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse::<u16>().ok()).flatten().map(u32::from)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::source::Span;
    use crate::yaml::scalar_text;

    fn spelled(text: &str) -> Result<Vec<String>, String> {
        let ports = parse(text, Span::NONE)?;
        let field = |node: &crate::yaml::Node, key: &str| {
            node.get(key).and_then(|value| scalar_text(&value.data)).unwrap_or_else(|| "-".into())
        };
        Ok(ports
            .iter()
            .map(|port| ["host_ip", "published", "target", "protocol"].map(|key| field(port, key)).join(" "))
            .collect())
    }

    fn check(text: &str, expect: &[&str]) {
        assert_eq!(spelled(text), Ok(expect.iter().map(|port| (*port).to_owned()).collect()), "{text}");
    }

    #[test]
    fn short_forms_are_spelled_out() {
        check("80", &["- - 80 tcp"]);
        check("8080:80/udp", &["- 8080 80 udp"]);
        check("127.0.0.1:8080:80", &["127.0.0.1 8080 80 tcp"]);
        check("127.0.0.1::80", &["127.0.0.1 - 80 tcp"]);
        check("[::1]:1:2", &["::1 1 2 tcp"]);
        check("8000-9000:80", &["- 8000-9000 80 tcp"]);
        check("1-2:9-10", &["- 2 10 tcp", "- 1 9 tcp"]);
        check("80/TCP", &["- - 80 tcp"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in [
            "",
            "80:",
            "a:80",
            "99999:80",
            "80-81:3000-3002",
            "::1:8080:80",
            "300.1.1.1:1:2",
            "80/foo",
            "-1",
            " 80",
        ] {
            assert!(spelled(text).is_err(), "{text}");
        }
    }
}
