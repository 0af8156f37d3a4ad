//! Where clients post what they have to say whose transport has no way up.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Http, Who, http::Answer, websocket::encoded};

/// How a request says who sends it: in its query, and in a field.
pub(crate) fn shown(who: &Who) -> (String, String) {
    match who {
        Who::User(user) => (format!("user={}", encoded(user)), String::new()),
        Who::Token(token) => (String::new(), format!("Authorization: Bearer {token}\r\n")),
    }
}

/// Where a client posts, and as whom.
pub(crate) struct WayUp {
    http: Http,
    path: String,
}

impl WayUp {
    pub(crate) fn new(address: SocketAddr, who: &Who, session: &str) -> Self {
        let path = format!("/v1/frames?session={session}");
        match who {
            Who::User(user) => {
                let user = encoded(user);
                Self { http: Http::new(address), path: format!("{path}&user={user}") }
            }
            Who::Token(token) => Self { http: Http::with_key(address, token), path },
        }
    }

    pub(crate) fn post(&self, frames: &str) -> Answer {
        self.http.post(&self.path, "text/plain", frames)
    }

    /// Says something; what is refused of it comes as the `error` frame of other transports.
    pub(crate) fn say(&self, bytes: &[u8]) -> Option<Value> {
        let answer = self.post(std::str::from_utf8(bytes).unwrap());
        if answer.status == 204 {
            return None;
        }
        let problem = answer.json();
        let (code, detail) = (&problem["code"], &problem["detail"]);
        Some(json!({ "type": "error", "code": code, "detail": detail }))
    }
}
