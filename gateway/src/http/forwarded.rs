//! For whom proxies say that they pass a request on: `Forwarded` (RFC 7239), or `X-Forwarded-For`.
//!
//! Each proxy adds behind what was there. What a trusted one has added is believed, and so is who it
//! names; that one may be a proxy, too. What stands in front of the first who is not trusted anybody
//! may have written.

use std::net::IpAddr;

use super::{client_address::ClientAddress, request::Request};

/// Somebody on the way of a request; none where it is not said who, or not so that it can be read.
type Node = Option<ClientAddress>;

/// The client of a request that a trusted proxy passes on: the last one named who is not trusted. Where the
/// last proxy that can be told is trusted, it is that one; none where nobody is named.
pub fn client(request: &Request<'_>, is_trusted: impl Fn(IpAddr) -> bool) -> Option<ClientAddress> {
    let mut client = None;
    for node in nodes(request).into_iter().rev() {
        let Some(address) = node else { break };
        client = Some(address);
        if !is_trusted(address.ip) {
            break;
        }
    }
    client
}

/// Everybody that is named, the client first.
fn nodes(request: &Request<'_>) -> Vec<Node> {
    let mut lines = request.fields("forwarded").peekable();
    if lines.peek().is_some() {
        return lines.flat_map(elements).collect();
    }
    let lines = request.fields("x-forwarded-for");
    let texts = lines.flat_map(|line| line.split(|byte| *byte == b','));
    let named = texts.map(<[u8]>::trim_ascii).filter(|text| !text.is_empty());
    named.map(|text| ClientAddress::read(std::str::from_utf8(text).ok()?)).collect()
}

/// Whom the elements of a line name. A line that breaks off the grammar names nobody behind that.
fn elements(line: &[u8]) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut rest = std::str::from_utf8(line).unwrap_or("\"");
    loop {
        match element(rest) {
            Some((node, Some(next))) => {
                nodes.extend(node);
                rest = next;
            }
            Some((node, None)) => {
                nodes.extend(node);
                return nodes;
            }
            None => {
                nodes.push(None);
                return nodes;
            }
        }
    }
}

/// The element that a text begins with (RFC 7239, section 4), and what stands behind its comma, if there is
/// one; an empty element is none.
fn element(text: &str) -> Option<(Option<Node>, Option<&str>)> {
    let (mut node, mut is_empty, mut rest) = (None, true, text.trim_start());
    loop {
        let name_ends = rest.find(|it: char| !is_token(it)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(name_ends);
        if !name.is_empty() {
            is_empty = false;
            let (value, behind) = value(behind.strip_prefix('=')?)?;
            if name.eq_ignore_ascii_case("for") {
                // Named twice, nobody is.
                node = if node.is_none() { Some(ClientAddress::read(&value)) } else { Some(None) };
            }
            rest = behind.trim_start();
        } else {
            rest = behind.trim_start();
        }
        let found = || (!is_empty).then(|| node.flatten());
        match rest.chars().next() {
            None => return Some((found(), None)),
            Some(',') => return Some((found(), Some(&rest[1..]))),
            Some(';') => rest = rest[1..].trim_start(),
            Some(_) => return None,
        }
    }
}

/// The value that a text begins with, a token or quoted, and what stands behind it (RFC 9110, section 5.6).
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        // Addresses with a port are to be quoted, and often are not.
        let ends = text.find(|it: char| !is_token(it) && !matches!(it, ':' | '[' | ']'));
        let (token, rest) = text.split_at(ends.unwrap_or(text.len()));
        return (!token.is_empty()).then(|| (token.to_owned(), rest));
    };
    let (mut value, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

#[cfg(test)]
mod tests;
