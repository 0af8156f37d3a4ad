//! The servers that sessions connect to, kept as ranges: thousands of ports cost nothing.

use std::net::{IpAddr, SocketAddr};

use client::opening;
use protocol::Transport;
use serde::{Deserialize, Serialize};
use settings::{ConfigError, Endpoint};

use super::{addresses::address, tls::TlsChoice};

/// All servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Targets(Vec<Target>);

/// Servers that differ in their port only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Their address.
    pub address: IpAddr,
    /// The first port.
    pub first_port: u16,
    /// The last port.
    pub last_port: u16,
    /// How they are called in requests, without the port.
    pub host: String,
    /// The path of the upgrade.
    pub path: String,
    /// How frames travel.
    pub transport: Transport,
    /// What their certificates are for, where they are reached inside TLS.
    pub tls_name: Option<String>,
}

impl Target {
    fn ports(&self) -> usize {
        usize::from(self.last_port - self.first_port) + 1
    }
}

impl Targets {
    /// Looks names up.
    ///
    /// # Errors
    /// Schemes that this client does not speak, names that are unknown.
    pub(crate) fn new(endpoints: &[Endpoint], tls: &TlsChoice) -> Result<Self, ConfigError> {
        endpoints.iter().map(|endpoint| target(endpoint, tls)).collect::<Result<_, _>>().map(Self)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(Target::ports).sum()
    }

    /// A server by its place among all of them, counted round and round.
    pub(crate) fn pick(&self, index: usize) -> (SocketAddr, &Target) {
        let mut index = index % self.count();
        for target in &self.0 {
            if index < target.ports() {
                // In range: it is less than the number of ports.
                let port = target.first_port + index as u16;
                return (SocketAddr::new(target.address, port), target);
            }
            index -= target.ports();
        }
        unreachable!("the index is below the number of servers")
    }

    /// Every range.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Target> {
        self.0.iter()
    }
}

fn target(endpoint: &Endpoint, tls: &TlsChoice) -> Result<Target, ConfigError> {
    let inside_tls = opening::inside_tls(&endpoint.scheme);
    let means = opening::means(inside_tls.unwrap_or(&endpoint.scheme), &endpoint.path);
    let (transport, path) = means.ok_or_else(|| {
        let problem = format!("{endpoint} has a scheme that this client does not speak");
        let expected = "use ws://, tcp://, http://, or wss://, tcps://, https:// for TLS";
        ConfigError::new("--target", problem, expected)
    })?;
    let tls_name = match inside_tls {
        Some(_) => {
            // Read here for the first time, so that what is wrong is said before anything begins.
            tls.config(transport)?;
            Some(tls.trust().name_of(&endpoint.host)?.to_str().into_owned())
        }
        None => None,
    };
    Ok(Target {
        address: address("--target", endpoint)?,
        first_port: *endpoint.ports.start(),
        last_port: *endpoint.ports.end(),
        host: endpoint.bracketed_host(),
        path: path.to_owned(),
        transport,
        tls_name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(texts: &[&str]) -> Targets {
        let parsed: Vec<_> = texts.iter().map(|text| text.parse().expect(text)).collect();
        Targets::new(&parsed, &TlsChoice::default()).expect("known hosts")
    }

    #[test]
    fn every_port_comes_in_turn() {
        let targets = targets(&["ws://127.0.0.1:8100-8102", "tcp://[::1]:9", "http://[::1]:7"]);
        assert_eq!(targets.count(), 5);
        let picked: Vec<_> = (0..7).map(|number| targets.pick(number).0.port()).collect();
        assert_eq!(picked, [8100, 8101, 8102, 9, 7, 8100, 8101]);
        assert_eq!(targets.pick(4).1.transport, Transport::Sse);
        assert_eq!(targets.pick(3).1.transport, Transport::Tcp);
        assert_eq!(targets.pick(3).1.host, "[::1]");
        assert_eq!(targets.pick(0).1.path, "/v1/ws");
    }

    #[test]
    fn what_is_inside_tls_has_the_name_of_its_host() {
        let targets =
            targets(&["wss://localhost:1", "tcps://[::1]:2", "https://127.0.0.1:3/v1/poll"]);
        let found = targets.iter().map(|it| (it.transport, it.tls_name.as_deref()));
        let expected = [
            (Transport::WebSocket, Some("localhost")),
            (Transport::Tcp, Some("::1")),
            (Transport::Poll, Some("127.0.0.1")),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn unknown_schemes_are_refused_and_named() {
        let endpoint = "ftp://127.0.0.1:1".parse().expect("a URL");
        let error = Targets::new(&[endpoint], &TlsChoice::default()).expect_err("not spoken");
        assert!(error.to_string().contains("ftp://127.0.0.1:1"), "{error}");
    }
}
