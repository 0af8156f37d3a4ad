//! Links that are not in step: their gateways may hold anybody.

use std::time::Duration;

use protocol::link::{Down, GivenUp, LinkAnswer, LinkRequest, PresenceChange, Up};
use serde_json::{Value, json};

use crate::{
    gateway::{Connection, TestGateway},
    pusher::{Pusher, pusher},
};

/// A pusher-api whose only gateway was in step once, with its user `known`.
async fn in_step(gateway: &TestGateway, grace: Duration) -> (Pusher, Connection) {
    let pusher = pusher(&[gateway], |settings| {
        settings.link_grace = grace;
        settings.gateway_timeout = Duration::from_secs(60);
    })
    .await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    connection.snapshot(&["known"]).await;
    pusher.until_ready().await;
    (pusher, connection)
}

const LONG: Duration = Duration::from_secs(600);

#[actix_rt::test]
async fn who_came_while_the_link_was_lost_is_pushed_to() {
    let gateway = TestGateway::bind().await;
    let (pusher, connection) = in_step(&gateway, LONG).await;
    drop(connection);
    pusher.until_state("lost").await;
    assert_eq!(pusher.push("newcomer", 1).await, 202);
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    assert_eq!(connection.batch().await.1, [("newcomer".into(), json!(1))]);
    assert_eq!(pusher.push("another", 2).await, 202);
    assert_eq!(connection.batch().await.1, [("another".into(), json!(2))], "no snapshot so far");
    // What broke off is no snapshot.
    connection.presence(1, &[PresenceChange::SnapshotBegin]).await;
    connection.presence_ack(1).await;
    assert_eq!(pusher.push("another", 3).await, 202);
    assert_eq!(connection.batch().await.1, [("another".into(), json!(3))]);
    connection.presence(2, &[PresenceChange::SnapshotEnd]).await;
    connection.presence_ack(2).await;
    pusher.until_state("up").await;
    assert_eq!(pusher.push("another", 4).await, 202, "nobody is there");
    connection.presence(3, &[PresenceChange::Came("another")]).await;
    connection.presence_ack(3).await;
    assert_eq!(pusher.push("another", 5).await, 202);
    assert_eq!(connection.batch().await.1, [("another".into(), json!(5))]);
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_gateway_that_comes_back_late_may_hold_anybody_and_is_told_who_missed_something() {
    let gateway = TestGateway::bind().await;
    let (pusher, mut connection) = in_step(&gateway, Duration::from_millis(20)).await;
    assert_eq!(pusher.push("known", 1).await, 202);
    assert_eq!(connection.batch().await.0, 1);
    drop(connection);
    pusher.until("/readyz", |status, _| status == 503).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    let missed = GivenUp { users: vec!["known".parse().unwrap()], ..GivenUp::default() };
    assert_eq!(connection.receive().await, Down::GivenUp(missed));
    pusher.until_ready().await;
    assert_eq!(pusher.push("anybody", 2).await, 202);
    assert_eq!(connection.batch().await.1, [("anybody".into(), json!(2))]);
    pusher.running.stop();
}

#[actix_rt::test]
async fn orders_wait_for_a_lost_link_and_go_to_one_whose_users_are_being_reported() {
    let gateway = TestGateway::bind().await;
    let (pusher, connection) = in_step(&gateway, LONG).await;
    drop(connection);
    pusher.until_state("lost").await;
    let answering = async {
        let mut connection = gateway.accept().await;
        connection.welcome(1, 0).await;
        let Down::Request { request, body } = connection.receive().await else { panic!("asked") };
        assert!(matches!(body, LinkRequest::Sessions { .. }));
        // The answer is lost with its connection; a look-up is asked for again.
        drop(connection);
        let mut connection = gateway.accept().await;
        connection.welcome(1, 0).await;
        let Down::Request { request: again, .. } = connection.receive().await else {
            panic!("again")
        };
        assert_ne!(again, request);
        let body = LinkAnswer::Sessions(Vec::new());
        connection.send(&Up::Answer { request: again, body }).await;
        connection
    };
    let ((status, shown), _connection) =
        futures::join!(pusher.get("/v1/users/newcomer"), answering);
    assert_eq!((status, &shown["complete"]), (200, &json!(true)), "{shown}");
    pusher.running.stop();
}

#[actix_rt::test]
async fn links_that_stay_out_of_step_are_named() {
    let gateways = [TestGateway::bind().await, TestGateway::bind().await];
    let pusher = pusher(&[&gateways[0], &gateways[1]], |_| ()).await;
    let mut connections = Vec::new();
    for (instance, gateway) in (1..).zip(&gateways) {
        let mut connection = gateway.accept().await;
        connection.welcome(instance, 0).await;
        connections.push(connection);
    }
    let named = |body: &Value| body["detail"].as_str().unwrap_or_default().to_owned();
    let body = pusher.until("/readyz", |_, body| named(body).contains("presence")).await;
    assert!(named(&body).contains("presence is not known yet"), "{body}");
    connections[0].snapshot(&[]).await;
    connections[1].snapshot(&[]).await;
    pusher.until_ready().await;
    assert_eq!(pusher.text("/readyz").await, "{\"status\":\"ready\"}\n");
    drop(connections.pop());
    let mut out = gateways[1].accept().await;
    out.welcome(2, 0).await;
    let mut text = String::new();
    // Named after a while, and for as long as it lasts.
    for _ in 0..10_000 {
        text = pusher.text("/readyz").await;
        if text.contains("gateway g2 has been syncing for") {
            break;
        }
        actix_rt::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(text.starts_with(r#"{"but":["gateway g2 has been syncing for"#), "{text}");
    drop(connections);
    let mut other = gateways[0].accept().await;
    other.welcome(1, 0).await;
    pusher
        .until("/readyz", |status, body| {
            status == 503 && named(body).contains("no gateway is in step")
        })
        .await;
    assert_eq!(pusher.push("anybody", 1).await, 202, "they are pushed to all the same");
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_second_address_of_a_gateway_is_an_alias() {
    let addresses = [TestGateway::bind().await, TestGateway::bind().await];
    let pusher = pusher(&[&addresses[0], &addresses[1]], |_| ()).await;
    let mut first = addresses[0].accept().await;
    first.welcome(1, 0).await;
    first.snapshot(&["u"]).await;
    let mut second = addresses[1].accept().await;
    second.welcome(1, 0).await;
    let status = pusher
        .until("/v1/gateways", |_, body| {
            body["gateways"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["state"] == "alias"))
        })
        .await;
    let alias = status["gateways"].as_array().unwrap().iter().find(|one| one["state"] == "alias");
    assert_eq!(alias.unwrap()["alias_of"], addresses[0].address().to_string());
    pusher.until_ready().await;
    assert_eq!(pusher.push("u", 1).await, 202);
    assert_eq!(first.batch().await.1.len(), 1);
    let metrics = pusher.text("/metrics").await;
    let sample = format!(
        "holdfast_pusher_link_state{{gateway=\"{}\",state=\"connecting\"}} 0",
        addresses[1].address()
    );
    assert!(metrics.contains(&sample), "{metrics}");
    pusher.running.stop();
}
