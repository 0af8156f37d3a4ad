//! Looks hosts up.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use settings::{ConfigError, Endpoint};

use super::tls::{Peer, TlsChoice};

/// Servers that speak HTTP: those of the ports of a URL.
#[derive(Debug, Clone)]
pub(crate) struct HttpServers {
    /// Where they are.
    pub addresses: Vec<SocketAddr>,
    /// How they are called in requests, without the port.
    pub host: String,
    /// What they are inside TLS, where they are.
    pub peer: Option<Peer>,
}

impl HttpServers {
    /// Those of a URL.
    ///
    /// # Errors
    /// Another scheme, the host's name is unknown, or what is to be believed of it cannot be read.
    pub(crate) fn new(
        flag: &str,
        endpoint: &Endpoint,
        tls: &TlsChoice,
    ) -> Result<Self, ConfigError> {
        let peer = match endpoint.scheme.as_str() {
            "http" => None,
            "https" => Some(tls.peer(flag, &endpoint.host)?),
            _ => {
                let problem = format!("{endpoint} is no http:// or https:// URL");
                let expected = "give one like http://127.0.0.1:8090";
                return Err(ConfigError::new(flag, problem, expected));
            }
        };
        let address = address(flag, endpoint)?;
        let addresses = endpoint.ports.clone().map(|port| SocketAddr::new(address, port));
        Ok(Self { addresses: addresses.collect(), host: endpoint.bracketed_host(), peer })
    }

    /// The URL of each, of this path.
    pub(crate) fn urls(&self, path: &str) -> impl Iterator<Item = String> {
        self.addresses.iter().map(move |address| match &self.peer {
            None => format!("http://{address}{path}"),
            // By its name, which its certificate is for.
            Some(_) => format!("https://{}:{}{path}", self.host, address.port()),
        })
    }
}

/// The address of an endpoint's host.
///
/// # Errors
/// The host's name is unknown.
pub(crate) fn address(flag: &str, endpoint: &Endpoint) -> Result<IpAddr, ConfigError> {
    let unknown = |detail: String| {
        let problem = format!("cannot look {} up: {detail}", endpoint.host);
        ConfigError::new(flag, problem, "name a host this machine knows, or an address")
    };
    let host = (endpoint.host.as_str(), *endpoint.ports.start());
    let mut found = host.to_socket_addrs().map_err(|error| unknown(error.to_string()))?;
    found.next().map(|first| first.ip()).ok_or_else(|| unknown("no address".into()))
}
