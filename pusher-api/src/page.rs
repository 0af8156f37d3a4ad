//! The live page: one file that shows pushes arriving at a session of its own.

use serde::Serialize;

/// The page, complete in itself.
pub(crate) const HTML: &str = include_str!("page.html");

/// Nothing from elsewhere is loaded; connections may go to gateways on any host.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'";

/// What the page asks for when it is opened.
#[derive(Debug, Serialize)]
pub(crate) struct PageSettings<'a> {
    /// Where a gateway's WebSocket is; absent for the usual port of the page's host.
    pub websocket_url: Option<&'a str>,
}
