//! What can be set about proxies in front of the gateway.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use clap::Args;
use settings::{ConfigError, ListenRange, Network};

/// The flags about proxies.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ProxySettings {
    /// Network of proxies that are believed whom they pass on: by Forwarded or X-Forwarded-For, and
    /// by the PROXY protocol
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub trusted_proxy: Vec<Network>,

    /// Take connections from trusted proxies only, with a PROXY header of version 2 in front, at these
    /// of clients' listeners: all (also without a value), or addresses as --listen, --listen-tcp,
    /// --tls-listen and --tls-listen-tcp name them. Where TLS is spoken the header comes in front of it
    #[arg(
        long,
        value_name = "all|IP:PORT[-PORT]",
        value_delimiter = ',',
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub proxy_protocol: Vec<Proxied>,
}

/// Listeners that proxies connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proxied {
    /// Every one of clients.
    All,
    /// None, as a file or a variable may say it.
    None,
    /// Those at these addresses.
    At(ListenRange),
}

impl FromStr for Proxied {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" | "true" | "1" | "yes" | "on" => Ok(Self::All),
            "none" | "false" | "0" | "no" | "off" => Ok(Self::None),
            _ => {
                let expected = "write all, or addresses of listeners like 0.0.0.0:8080";
                text.parse().map(Self::At).map_err(|_| expected.to_owned())
            }
        }
    }
}

impl ProxySettings {
    /// Whether what somebody at this address says of others is believed.
    pub(crate) fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted_proxy.iter().any(|network| network.contains(ip))
    }

    /// Whether connections at a listener, by the address that was set for it, begin with a PROXY header.
    pub(crate) fn is_proxied(&self, listener: SocketAddr) -> bool {
        self.proxy_protocol.iter().any(|which| match which {
            Proxied::All => true,
            Proxied::None => false,
            Proxied::At(range) => range.addresses().any(|address| address == listener),
        })
    }

    /// Checks that there are such listeners, and proxies to connect to them.
    ///
    /// # Errors
    /// Names the flag.
    pub(super) fn check<'a>(
        &self,
        listeners: impl Iterator<Item = &'a ListenRange> + Clone,
    ) -> Result<(), ConfigError> {
        const FLAG: &str = "--proxy-protocol";
        let listens =
            |address| listeners.clone().flat_map(ListenRange::addresses).any(|it| it == address);
        for which in &self.proxy_protocol {
            if let Proxied::At(range) = which
                && let Some(strange) = range.addresses().find(|address| !listens(*address))
            {
                let problem = format!("nothing listens for clients on {strange}");
                let expected = "name addresses as --listen, --listen-tcp, --tls-listen and --tls-listen-tcp do, or all";
                return Err(ConfigError::new(FLAG, problem, expected));
            }
        }
        let is_any = self.proxy_protocol.iter().any(|which| *which != Proxied::None);
        match is_any && self.trusted_proxy.is_empty() {
            false => Ok(()),
            true => {
                let problem = format!("missing, so that {FLAG} lets nobody in");
                let expected = "name the networks of the proxies, like --trusted-proxy 10.0.0.0/8";
                Err(ConfigError::new("--trusted-proxy", problem, expected))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::tests::settings;

    #[test]
    fn listeners_are_named_by_what_was_set() {
        const ALL: [&str; 4] = ["127.0.0.1:80", "127.0.0.1:91", "127.0.0.1:0", "127.0.0.1:443"];
        let listen = [
            "--listen=127.0.0.1:80,127.0.0.1:90-92",
            "--listen-tcp=127.0.0.1:0",
            "--tls-listen=127.0.0.1:443",
        ];
        let cases: [(&[&str], &[&str]); 7] = [
            (&[], &[]),
            (&["--proxy-protocol=none"], &[]),
            (&["--proxy-protocol"], &ALL),
            (&["--proxy-protocol=true"], &ALL),
            (&["--proxy-protocol=127.0.0.1:90-91"], &["127.0.0.1:91"]),
            (&["--proxy-protocol=127.0.0.1:80,127.0.0.1:0"], &["127.0.0.1:80", "127.0.0.1:0"]),
            (&["--proxy-protocol=127.0.0.1:443"], &["127.0.0.1:443"]),
        ];
        for (flags, expected) in cases {
            let settings =
                settings(&[&listen, flags, &["--trusted-proxy=::1", "--insecure"]].concat());
            settings.validate().expect("they are listened on");
            let is_proxied =
                |it: &&str| settings.proxies.is_proxied(it.parse().expect("an address"));
            let proxied: Vec<_> = ALL.into_iter().filter(is_proxied).collect();
            assert_eq!(proxied, expected, "{flags:?}");
        }
    }

    #[test]
    fn proxies_are_trusted_by_their_network() {
        let settings = settings(&["--trusted-proxy=10.0.0.0/8,::1", "--trusted-proxy=192.0.2.1"]);
        for (address, expected) in
            [("10.9.9.9", true), ("::1", true), ("192.0.2.1", true), ("192.0.2.2", false)]
        {
            assert_eq!(settings.proxies.trusts(address.parse().expect("an address")), expected);
        }
    }
}
