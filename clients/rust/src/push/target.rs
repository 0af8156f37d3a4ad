//! Where a pusher-api is, and what it is told of who asks.

use std::sync::Arc;

use hyper::{Uri, header::HeaderValue, http::uri::PathAndQuery};
use rustls::{ClientConfig, pki_types::ServerName};

use crate::tls;

/// Where batches are posted.
const BATCH_PATH: &str = "/v1/push/batch";

/// A pusher-api.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    /// Where batches are posted.
    pub(super) path: PathAndQuery,
    /// Its name as requests give it.
    pub(super) name: HeaderValue,
    pub(super) authorization: Option<HeaderValue>,
    /// What TLS is spoken with, if it is.
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// Why a URL is none of a pusher-api, or cannot be reached.
#[derive(Debug)]
pub(super) enum InvalidTarget {
    Url(&'static str),
    Tls(rustls::Error),
}

impl From<rustls::Error> for InvalidTarget {
    fn from(error: rustls::Error) -> Self {
        Self::Tls(error)
    }
}

impl Target {
    /// The pusher-api at this URL, which may have a path before that of the API.
    pub(super) fn new(
        url: &Uri,
        authorization: Option<HeaderValue>,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Self, InvalidTarget> {
        let inside_tls = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(InvalidTarget::Url("it begins with http:// or https://")),
        };
        let authority = url.authority().ok_or(InvalidTarget::Url("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(InvalidTarget::Url("a key is given apart from it"));
        }
        if url.query().is_some() {
            return Err(InvalidTarget::Url("it has no query"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if inside_tls { 443 } else { 80 });
        let path = format!("{}{BATCH_PATH}", url.path().trim_end_matches('/'));
        let path = path.try_into().map_err(|_| InvalidTarget::Url("its path cannot be read"))?;
        let name = HeaderValue::try_from(authority.as_str());
        let name = name.map_err(|_| InvalidTarget::Url("no header can carry its host"))?;
        let tls = inside_tls.then(|| {
            let config = tls.map_or_else(|| tls::of_this_machine(Some(tls::HTTP)), Ok)?;
            let name = ServerName::try_from(host.clone());
            let name = name.map_err(|_| InvalidTarget::Url("no certificate is for its host"))?;
            Ok::<_, InvalidTarget>((config, name))
        });
        Ok(Self { host, port, path, name, authorization, tls: tls.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<(String, u16, String), String> {
        match Target::new(&url.parse().expect("a URL"), None, None) {
            Ok(target) => Ok((target.host, target.port, target.path.to_string())),
            Err(InvalidTarget::Url(problem)) => Err(problem.to_owned()),
            Err(InvalidTarget::Tls(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn urls_say_where_batches_go() {
        for (url, host, port, path) in [
            ("http://push.example", "push.example", 80, "/v1/push/batch"),
            ("http://[::1]:8090/", "::1", 8090, "/v1/push/batch"),
            ("http://127.0.0.1:1/push/", "127.0.0.1", 1, "/push/v1/push/batch"),
        ] {
            assert_eq!(target(url), Ok((host.to_owned(), port, path.to_owned())), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_pusher_api_is_refused() {
        for url in ["ws://h", "/v1", "http://u:p@h", "http://h/?x=1"] {
            assert!(target(url).is_err(), "{url}");
        }
    }
}
