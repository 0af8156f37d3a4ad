//! Ids of pushes that are kept: the store remembers them, whoever asks.

use serde_json::{Value, json};

use super::{count, keeper, post};
use crate::harness::{Http, PusherApi};

const ID: &str = "0190a6f0-0000-7000-8000-000000000001";

fn push(user: &str, data: u32) -> Value {
    json!({ "to": { "user": user }, "data": data, "ttl": 600, "id": ID })
}

/// The same push is one, and another one of its id is a conflict.
fn is_remembered(client: &Http) {
    let again = post(client, &push("u", 1));
    assert_eq!((again.status, again.json()), (202, json!({ "id": ID })));
    for other in [push("u", 2), push("v", 1)] {
        let answer = post(client, &other);
        assert_eq!((answer.status, &answer.json()["pointer"]), (409, &json!("/id")), "{other}");
    }
    let report = client.batch(format!("{}\n{}\n", push("u", 1), push("u", 3)).as_bytes());
    assert_eq!((&report["accepted"], &report["rejected"][0]["status"]), (&json!(1), &json!(409)));
    assert_eq!((count(client, "u"), count(client, "v")), (1, 0));
}

#[test]
fn an_id_outlives_its_process() {
    let mut keeper = keeper(&[]);
    keeper.pusher.client.push(&push("u", 1));
    is_remembered(&keeper.pusher.client);
    keeper.pusher.restart();
    keeper.pusher.await_ready();
    is_remembered(&keeper.pusher.client);
}

#[test]
fn an_id_is_known_to_all_that_share_the_store() {
    let keeper = keeper(&[]);
    let other = PusherApi::start(&[&keeper.gateway], &[&keeper.data.flag("data")]);
    keeper.pusher.client.push(&push("u", 1));
    is_remembered(&other.client);
    is_remembered(&keeper.pusher.client);
}

#[test]
fn ids_of_different_backends_are_apart_and_those_of_one_name_are_not() {
    let keeper = keeper(&["--api-key=shop::one,shop::two,mail::three"]);
    let clients = ["one", "two", "three"].map(|key| Http::with_key(keeper.pusher.address, key));
    let [one, two, three] = &clients;
    one.push(&push("u", 1));
    assert_eq!(post(two, &push("u", 2)).status, 409);
    assert_eq!(post(three, &push("u", 2)).status, 202);
    assert_eq!(count(one, "u"), 2);
}

#[test]
fn a_push_that_waits_for_nobody_keeps_its_own_ids() {
    let keeper = keeper(&[]);
    let live = json!({ "to": { "user": "u" }, "data": 1, "id": ID });
    keeper.pusher.client.push(&live);
    keeper.pusher.client.push(&live);
    assert_eq!(
        post(&keeper.pusher.client, &json!({ "to": { "user": "u" }, "data": 2, "id": ID })).status,
        409
    );
}
