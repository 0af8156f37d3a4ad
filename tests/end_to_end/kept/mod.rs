//! Messages that are kept.
//!
//! [`backends`] is what backends see of it, [`ids`] what they may send again, [`batches`] lines that are kept
//! among others, [`limits`] how much is kept, [`crashes`] what a process leaves behind that is cut off, and
//! [`stores`] is about several pusher-apis.

mod backends;
mod batches;
mod crashes;
mod ids;
mod limits;
mod stores;

use serde_json::{Value, json};

use crate::harness::{Gateway, Http, PusherApi, files::TestDirectory, http::Answer};

/// A gateway, and a pusher-api that keeps what it is given.
struct Keeper {
    gateway: Gateway,
    pusher: PusherApi,
    data: TestDirectory,
}

/// With these flags more of pusher-api.
fn keeper(flags: &[&str]) -> Keeper {
    let (gateway, data) = (Gateway::start(&[]), TestDirectory::new("kept"));
    let flag = data.flag("data");
    let pusher = PusherApi::start(&[&gateway], &[&[flag.as_str()], flags].concat());
    Keeper { gateway, pusher, data }
}

/// Pushes, whatever the answer is.
fn post(client: &Http, body: &Value) -> Answer {
    client.post("/v1/push", "application/json", &body.to_string())
}

/// A push to this user that is kept.
fn to_user(user: &str, data: u64) -> Value {
    json!({ "to": { "user": user }, "data": data, "ttl": 600 })
}

/// How many messages are kept for a user.
fn count(client: &Http, user: &str) -> u64 {
    let answer = client.get(&format!("/v1/users/{user}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["kept"]["count"].as_u64().unwrap()
}
