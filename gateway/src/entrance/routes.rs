//! What clients can ask for over HTTP, and how.

use crate::settings::Settings;

/// Where sessions of WebSocket frames are opened.
pub(super) const WEBSOCKET: &str = "/v1/ws";
/// Where clients get back what they send.
pub(super) const ECHO: &str = "/v1/echo";
/// Where streams of events are.
pub(super) const EVENTS: &str = "/v1/sse";
/// Where sessions are asked for what is new.
pub(super) const POLL: &str = "/v1/poll";
/// Where frames are posted.
pub(super) const FRAMES: &str = "/v1/frames";

/// The methods of a path, for `Allow`; none where nothing is.
pub(super) fn methods(settings: &Settings, path: &str) -> Option<&'static str> {
    match path {
        WEBSOCKET => Some("GET, HEAD"),
        ECHO if settings.echo => Some("GET, HEAD"),
        EVENTS => Some("GET, POST, OPTIONS"),
        POLL => Some("GET, OPTIONS"),
        FRAMES => Some("POST, OPTIONS"),
        _ => None,
    }
}
