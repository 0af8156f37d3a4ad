//! What backends see of sessions.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::harness::{
    Client, Gateway, PusherApi, Who, eventually,
    tokens::{secret_flag, token_of_device},
    tunnel::{is_passed_on, is_sealed},
};

contract!(presence_shows_each_session, presence_ends_with_the_session);

fn presence_shows_each_session<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag(), "--name=here"]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let (client, hello) = C::open(&gateway, Who::Token(token_of_device("u/ü", "phone"))).unwrap();
    let shown = pusher.client.get("/v1/users/u%2F%C3%BC").json();
    assert_eq!((&shown["user"], &shown["online"]), (&json!("u/ü"), &json!(true)));
    let [session] = shown["sessions"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    let address = match is_sealed() && !is_passed_on() {
        // Whoever seals what the client says has an address of its own.
        true => session["address"].as_str().unwrap().to_owned(),
        false => client.socket().local_addr().unwrap().to_string(),
    };
    let expected = json!({
        "id": hello["session"], "gateway": "here", "transport": C::NAME, "device": "phone",
        "since": session["since"], "address": address,
    });
    assert_eq!(session, &expected);
    let year = session["since"].as_str().unwrap()[..4].parse::<u64>().unwrap();
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 31_556_952 + 1970;
    assert!(year.abs_diff(now) <= 1, "{session}");
}

fn presence_ends_with_the_session<C: Client>() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let client = C::join(&gateway, "u");
    assert_eq!(pusher.client.get("/v1/users/u").json()["online"], true);
    drop(client);
    let gone = eventually("the user is offline", || {
        let shown = pusher.client.get("/v1/users/u").json();
        (shown["online"] == false).then_some(shown)
    });
    assert_eq!(gone["sessions"], Value::Array(Vec::new()));
    let receipt = pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!((&receipt["online"], &receipt["sessions"]), (&json!(false), &json!([])));
}
