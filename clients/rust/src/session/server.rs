//! Where sessions are opened.

use std::{io, sync::Arc};

use client::opening::{self, Place};
use protocol::Transport;
use rustls::{ClientConfig, pki_types::ServerName};

use super::channel::{Channel, Tls};
use crate::tls;

/// Why a URL is none that sessions are opened at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidUrl {
    /// It is not of the form `SCHEME://HOST:PORT` with or without a path.
    #[error("a URL here is SCHEME://HOST:PORT")]
    Form,
    /// No session is opened so.
    #[error("use ws://, tcp://, http://, or wss://, tcps://, https:// for TLS")]
    Scheme,
    /// TLS cannot be spoken with it.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A gateway, and how frames travel to it.
#[derive(Debug, Clone)]
pub struct Server {
    host: String,
    port: u16,
    transport: Transport,
    path: String,
    tls: Option<Tls>,
    /// As it is shown.
    shown: String,
}

impl Server {
    /// The server at a URL: `ws://HOST:PORT` for WebSockets, `http://…` for server-sent events, or for long polls where
    /// its path ends in `/poll`, `tcp://…` for lines; inside TLS `wss://`, `https://` and `tcps://`. The ports of
    /// HTTP need not be given. Without `tls` the authorities are believed that this machine believes.
    ///
    /// # Errors
    /// It is no such URL, or TLS cannot be set up.
    pub fn new(url: &str, tls: Option<Arc<ClientConfig>>) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidUrl::Form)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let plain = opening::inside_tls(scheme);
        let (transport, _) =
            opening::means(plain.unwrap_or(scheme), path).ok_or(InvalidUrl::Scheme)?;
        let default = match (transport, plain) {
            (Transport::Tcp, _) => None,
            (_, None) => Some(80),
            (_, Some(_)) => Some(443),
        };
        let (host, port) = split(authority, default).ok_or(InvalidUrl::Form)?;
        let tls = plain.is_some().then(|| {
            let protocol = (transport != Transport::Tcp).then_some(tls::HTTP);
            let config = tls.map_or_else(|| tls::of_this_machine(protocol), Ok);
            let config = config.map_err(|error| InvalidUrl::Tls(error.to_string()))?;
            let name = ServerName::try_from(host.to_owned());
            let name = name.map_err(|error| InvalidUrl::Tls(error.to_string()))?;
            Ok(Tls { config, name })
        });
        Self::of_parts(scheme, host, port, path, tls.transpose()?)
    }

    /// The same from the parts of a URL; a scheme of TLS needs what it is spoken with.
    ///
    /// # Errors
    /// No session is opened by this scheme.
    pub fn of_parts(
        scheme: &str,
        host: &str,
        port: u16,
        path: &str,
        tls: Option<Tls>,
    ) -> Result<Self, InvalidUrl> {
        let plain = opening::inside_tls(scheme);
        let meant = opening::means(plain.unwrap_or(scheme), path).ok_or(InvalidUrl::Scheme)?;
        if plain.is_some() != tls.is_some() {
            return Err(InvalidUrl::Tls("the scheme says otherwise".into()));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let mut server = Self {
            host,
            port,
            transport: meant.0,
            path: meant.1.to_owned(),
            tls,
            shown: String::new(),
        };
        server.shown = format!("{scheme}://{}:{port}{path}", server.bracketed_host());
        Ok(server)
    }

    /// How frames travel to a URL of this scheme and path; nothing where no session is opened so.
    pub fn transport_of(scheme: &str, path: &str) -> Option<Transport> {
        let plain = opening::inside_tls(scheme).unwrap_or(scheme);
        opening::means(plain, path).map(|(transport, _)| transport)
    }

    /// Whether URLs of this scheme are of servers inside TLS.
    pub fn is_inside_tls(scheme: &str) -> bool {
        opening::inside_tls(scheme).is_some()
    }

    /// As it is shown.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// How frames travel.
    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    /// Its host as requests name it.
    pub(super) fn bracketed_host(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        }
    }

    /// Its place as openings name it, by [`bracketed_host`](Self::bracketed_host).
    pub(super) fn place<'a>(&'a self, host: &'a str) -> Place<'a> {
        Place { transport: self.transport, host, port: self.port, path: &self.path }
    }

    /// A connection to it.
    pub(super) fn connect(&self) -> io::Result<Channel> {
        Channel::open(&self.host, self.port, self.tls.as_ref())
    }
}

/// Host and port of an authority.
fn split(authority: &str, default: Option<u16>) -> Option<(&str, u16)> {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => (host, Some(port.parse().ok()?)),
        _ => (authority, default),
    };
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let is_host = !host.is_empty() && (is_bracketed || !host.contains(':')) && !host.contains('@');
    let port = port.filter(|port| *port != 0);
    is_host.then_some((host, port?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_where_and_how() {
        for (url, transport, shown) in [
            ("ws://127.0.0.1:8080", Transport::WebSocket, "ws://127.0.0.1:8080"),
            ("http://h", Transport::Sse, "http://h:80"),
            ("http://[::1]:1/v1/poll", Transport::Poll, "http://[::1]:1/v1/poll"),
            ("tcp://h:8081", Transport::Tcp, "tcp://h:8081"),
        ] {
            let server = Server::new(url, None).expect(url);
            assert_eq!((server.transport(), server.shown()), (transport, shown));
        }
        for url in
            ["h:1", "tcp://h", "ws://:1", "ws://a:b:1", "ws://h:0", "ws://u@h", "ws://h:70000"]
        {
            assert_eq!(Server::new(url, None).map(drop), Err(InvalidUrl::Form), "{url}");
        }
        assert_eq!(Server::new("gopher://h:1", None).map(drop), Err(InvalidUrl::Scheme));
    }
}
