//! Proxies in front of the gateway: what they say of whom they pass on, written by hand ([`headers`], [`sealed`] in
//! front of TLS, [`requests`]) and by real ones ([`real`], [`http2`], run by [`programs`]).

mod headers;
mod http2;
pub(crate) mod programs;
mod real;
mod requests;
mod sealed;

use serde_json::Value;

use crate::harness::{PusherApi, eventually};

/// Where the only session of a user is, as backends are told.
fn address_of(pusher: &PusherApi, user: &str) -> String {
    let shown = || pusher.client.get(&format!("/v1/users/{user}")).json();
    let session = eventually("the user has a session", || {
        let sessions: Vec<Value> = shown()["sessions"].as_array()?.clone();
        (sessions.len() == 1).then(|| sessions[0].clone())
    });
    session["address"].as_str().unwrap().to_owned()
}
