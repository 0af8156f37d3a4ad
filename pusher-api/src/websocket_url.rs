//! Where the live page finds a gateway.

use std::str::FromStr;

/// The URL of a gateway's WebSocket, as `--page-websocket-url` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebsocketUrl {
    text: String,
    is_secure: bool,
    /// Host and port.
    authority: String,
}

impl WebsocketUrl {
    /// The URL as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The sources that a page may connect to for it: the WebSocket, and HTTP to see whether anybody is
    /// there (Content Security Policy Level 3, section 2.3.1).
    pub(crate) fn sources(&self) -> String {
        let [socket, http] = if self.is_secure { ["wss", "https"] } else { ["ws", "http"] };
        // There is no source for an IPv6 address, but for any host with a port.
        let authority = match self.authority.rsplit_once(']') {
            Some((_, port)) => format!("*{port}"),
            None => self.authority.clone(),
        };
        format!("{socket}://{authority} {http}://{authority}")
    }
}

impl FromStr for WebsocketUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "write a URL like wss://clients.example.com/v1/ws";
        let (scheme, rest) = text.split_once("://").ok_or(expected)?;
        let is_secure = match scheme {
            "ws" => false,
            "wss" => true,
            _ => return Err(expected.into()),
        };
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let may_be = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        let is_one = !authority.is_empty() && authority.bytes().all(may_be);
        // In a page, and in a header field: nothing of what would end either.
        let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        // The page finds the other transports beside it.
        match is_one && is_printable && rest.ends_with("/v1/ws") {
            true => Ok(Self { text: text.to_owned(), is_secure, authority: authority.to_owned() }),
            false => Err(expected.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_connect_there_and_nowhere_else() {
        for (text, sources) in [
            ("ws://127.0.0.1:8080/v1/ws", "ws://127.0.0.1:8080 http://127.0.0.1:8080"),
            ("wss://a.example/x/v1/ws", "wss://a.example https://a.example"),
            ("ws://[::1]:8080/v1/ws", "ws://*:8080 http://*:8080"),
            ("wss://[::1]/v1/ws", "wss://* https://*"),
        ] {
            let url: WebsocketUrl = text.parse().expect(text);
            assert_eq!((url.as_str(), url.sources().as_str()), (text, sources));
        }
    }

    #[test]
    fn what_is_no_url_of_a_websocket_is_refused() {
        for text in [
            "",
            "a.example",
            "http://a.example/",
            "ws://",
            "ws:///v1/ws",
            "ws://a;script-src *",
            "ws://user@a/",
            "ws://a/ b",
            "ws://a/\r\nx",
            "wss://a.example/x",
        ] {
            text.parse::<WebsocketUrl>().expect_err(text);
        }
    }
}
