//! What a server's certificate is checked for.

use rustls::pki_types::ServerName;
use settings::ConfigError;

/// The name of a host as it stands in a URL, without brackets around an IPv6 address.
///
/// # Errors
/// It is neither a DNS name nor an address; `flag` is where it was given.
pub fn server_name(flag: &str, host: &str) -> Result<ServerName<'static>, ConfigError> {
    let name = ServerName::try_from(host.to_owned());
    name.map_err(|_| {
        let problem = format!("{host:?} is no name that a certificate could be for");
        ConfigError::new(flag, problem, "give a DNS name or an IP address")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for host in ["gateway-0.gateways", "localhost", "127.0.0.1", "::1"] {
            assert_eq!(server_name("--gateway", host).expect(host).to_str(), host);
        }
        let error = server_name("--gateway", "a b").expect_err("no name");
        assert_eq!(error.key, "--gateway");
    }
}
