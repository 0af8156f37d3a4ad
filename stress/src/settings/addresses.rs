//! Looks hosts up.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use settings::{ConfigError, Endpoint};

/// Every address of a server that speaks HTTP, one for each of its ports.
///
/// # Errors
/// Another scheme, or the host's name is unknown.
pub(crate) fn http_addresses(
    flag: &str,
    endpoint: &Endpoint,
) -> Result<Vec<SocketAddr>, ConfigError> {
    if endpoint.scheme != "http" {
        let problem = format!("{endpoint} is no http:// URL");
        return Err(ConfigError::new(flag, problem, "give one like http://127.0.0.1:8090"));
    }
    let address = address(flag, endpoint)?;
    Ok(endpoint.ports.clone().map(|port| SocketAddr::new(address, port)).collect())
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
