//! A whole pusher-api against gateways that the tests play themselves, over real sockets.

mod builds;
mod gateway;
mod kept;
mod out_of_step;
mod pusher;
mod topics;

use std::time::{Duration, Instant};

use gateway::{Connection, TestGateway, entries};
use protocol::{
    MessageId, SessionId,
    clock::micros_since_epoch,
    link::{Down, LinkAnswer, LinkRequest, PresenceChange, SessionInfo, Up},
    receipt::{Outcome, Receipt},
};
use pusher::pusher;
use serde_json::{Value, json};

#[actix_rt::test]
async fn pushes_wait_for_presence_and_then_flow() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |settings| {
        settings.link.link_secret = vec!["s3cret".parse().expect("any text")];
    })
    .await;
    let (mut connection, head) = gateway.accept_head().await;
    assert!(head.starts_with("GET /v1/link HTTP/1.1\r\n"), "{head}");
    for line in ["Upgrade: holdfast-link", "Upgrade: websocket", "Authorization: Bearer s3cret"] {
        assert!(head.contains(line), "{line} is missing in {head}");
    }
    assert_eq!(pusher.push("u", 0).await, 503);
    connection.welcome(1, 0).await;
    assert_eq!(pusher.get("/readyz").await.0, 503, "presence is not known");
    connection.snapshot(&["u", "v"]).await;
    pusher.until_ready().await;
    let status = pusher.get("/v1/gateways").await.1;
    assert_eq!(
        (&status["gateways"][0]["users"], &status["gateways"][0]["name"]),
        (&json!(2), &json!("g1"))
    );

    assert_eq!(pusher.push("u", 1).await, 202);
    assert_eq!(connection.batch().await, (1, vec![("u".into(), json!(1))]));
    connection.send(&Up::BatchAck { seq: 1, queued_bytes: 7 }).await;
    pusher.until("/v1/gateways", |_, body| body["gateways"][0]["queued_bytes"] == 0).await;

    connection.presence(4, &[PresenceChange::Went("u")]).await;
    connection.presence_ack(4).await;
    assert_eq!(pusher.push("u", 2).await, 202, "nobody is online");
    assert_eq!(pusher.push("v", 3).await, 202);
    assert_eq!(connection.batch().await, (2, vec![("v".into(), json!(3))]));
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_gateway_is_told_what_time_it_is() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |_| ()).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    for asked_micros in [7, 8] {
        let before = micros_since_epoch();
        connection.send(&Up::AskTime { asked_micros }).await;
        let Down::Time(reading) = connection.receive().await else { panic!("expected the time") };
        assert_eq!(reading.asked_micros, asked_micros);
        let told = [before, reading.received_micros, reading.answered_micros, micros_since_epoch()];
        assert!(told.is_sorted(), "{told:?}");
    }
    pusher.running.stop();
}

#[actix_rt::test]
async fn the_age_of_the_oldest_push_without_an_acknowledgement_is_shown() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |_| ()).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    connection.snapshot(&["u"]).await;
    pusher.until_ready().await;
    let name = format!(
        "holdfast_pusher_oldest_unacknowledged_push_seconds{{gateway=\"{}\"}} ",
        gateway.address()
    );
    let age = async || {
        let text = pusher.text("/metrics").await;
        let shown = text.lines().find_map(|line| line.strip_prefix(&name)).expect("a gauge");
        shown.parse::<f64>().expect("seconds")
    };
    assert_eq!(age().await, 0.0);
    let begun = Instant::now();
    assert_eq!(pusher.push("u", 1).await, 202);
    assert_eq!(connection.batch().await.0, 1);
    let first = age().await;
    assert!(first > 0.0 && first <= begun.elapsed().as_secs_f64(), "{first}");
    assert_eq!(pusher.push("u", 2).await, 202);
    assert_eq!(connection.batch().await.0, 2);
    assert!(age().await > first, "of the older one");
    connection.send(&Up::BatchAck { seq: 2, queued_bytes: 0 }).await;
    pusher.until("/v1/gateways", |_, body| body["gateways"][0]["queued_bytes"] == 0).await;
    // What is shown may be a tenth of a second old.
    while age().await > 0.0 {}
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_second_snapshot_replaces_the_first() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |_| ()).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    connection.snapshot(&["old", "both"]).await;
    pusher.until_ready().await;
    drop(connection);
    let mut connection = gateway.accept().await;
    connection.welcome(2, 0).await;
    connection.snapshot(&["both", "new"]).await;
    pusher.until("/v1/gateways", |_, body| body["gateways"][0]["users"] == 2).await;
    for (user, data) in [("old", 1), ("both", 2), ("new", 3)] {
        assert_eq!(pusher.push(user, data).await, 202);
    }
    assert_eq!(connection.pushes(2).await, [("both".into(), json!(2)), ("new".into(), json!(3))]);
    pusher.running.stop();
}

#[actix_rt::test]
async fn what_was_not_acknowledged_is_sent_again_to_the_same_process() {
    let gateway = TestGateway::bind().await;
    let pusher =
        pusher(&[&gateway], |settings| settings.link_grace = Duration::from_secs(600)).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    connection.snapshot(&["u"]).await;
    pusher.until_ready().await;
    for data in 1..=3_u64 {
        assert_eq!(pusher.push("u", data as u32).await, 202);
        assert_eq!(connection.batch().await.0, data);
    }
    drop(connection);
    pusher.until_state("lost").await;
    assert_eq!(pusher.push("u", 4).await, 202, "queued while the gateway is away");
    let mut connection = gateway.accept().await;
    connection.welcome(1, 1).await;
    let numbers = connection.pushes(3).await.into_iter().map(|(_, data)| data);
    assert_eq!(numbers.collect::<Vec<_>>(), [json!(2), json!(3), json!(4)]);

    drop(connection);
    let mut connection = gateway.accept().await;
    connection.welcome(2, 0).await;
    connection.snapshot(&["u"]).await;
    pusher.until_state("up").await;
    assert_eq!(pusher.push("u", 5).await, 202);
    let (seq, pushes) = connection.batch().await;
    assert_eq!((seq, pushes), (1, vec![("u".into(), json!(5))]), "a new process starts afresh");
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_gateway_that_stays_away_is_given_up() {
    let gateway = TestGateway::bind().await;
    let pusher =
        pusher(&[&gateway], |settings| settings.link_grace = Duration::from_millis(20)).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    connection.snapshot(&["u"]).await;
    pusher.until_ready().await;
    assert_eq!(pusher.push("u", 1).await, 202);
    drop((connection, gateway));
    pusher
        .until("/readyz", |status, body| {
            status == 503 && body["detail"] == "no gateway is connected"
        })
        .await;
    assert_eq!(pusher.push("u", 2).await, 503);
    let status = pusher.until("/v1/gateways", |_, body| body["gateways"][0]["users"] == 0).await;
    assert_eq!(status["gateways"][0]["queued_bytes"], 0);
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_wrong_secret_leaves_the_others_working() {
    let (refusing, gateway) = (TestGateway::bind().await, TestGateway::bind().await);
    let pusher = pusher(&[&refusing, &gateway], |_| ()).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    connection.snapshot(&["u"]).await;
    assert_eq!(pusher.get("/readyz").await.0, 503, "the other may hold users");
    refusing.refuse().await;
    pusher.until_ready().await;
    assert_eq!(pusher.push("u", 1).await, 202);
    assert_eq!(connection.batch().await.1.len(), 1);
    pusher.running.stop();
}

#[actix_rt::test]
async fn keys_are_asked_for_and_connections_survive_the_refusal() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |settings| {
        settings.api_key = vec!["k1".parse().expect("any text")];
    })
    .await;
    let refused = pusher.post("/v1/push", r#"{"to":{"user":"u"},"data":1}"#).await;
    assert_eq!((refused.0, &refused.1["title"]), (401, &json!("Unauthorized")));
    let request = pusher.client.get(pusher.url("/v1/gateways")).bearer_auth("k1");
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let request = pusher.client.head(pusher.url("/healthz"));
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    pusher.running.stop();
}

#[actix_rt::test]
async fn receipts_and_answers_come_from_every_gateway() {
    let gateways = [TestGateway::bind().await, TestGateway::bind().await];
    let pusher = pusher(&[&gateways[0], &gateways[1]], |settings| {
        settings.gateway_timeout = Duration::from_secs(60);
    })
    .await;
    let mut connections = Vec::new();
    for (instance, gateway) in (1..).zip(&gateways) {
        let mut connection = gateway.accept().await;
        connection.welcome(instance, 0).await;
        connection.snapshot(&["u"]).await;
        connections.push(connection);
    }
    pusher.until_ready().await;
    for (number, mut connection) in (1..).zip(connections) {
        actix_rt::spawn(async move { answer_everything(&mut connection, number).await });
    }
    let push = r#"{"to":{"user":"u"},"data":1}"#;
    let (status, receipt) = pusher.post("/v1/push?receipt=30s", push).await;
    assert_eq!((status, &receipt["online"]), (200, &json!(true)));
    assert_eq!(receipt["complete"], true);
    let mut sessions = receipt["sessions"].as_array().expect("sessions").clone();
    sessions.sort_by_key(|session| session["gateway"].to_string());
    assert_eq!(
        sessions,
        [
            json!({"session": "0000000000000001", "gateway": "g1", "outcome": "written"}),
            json!({"session": "0000000000000002", "gateway": "g2", "outcome": "written"}),
        ]
    );
    let (_, user) = pusher.get("/v1/users/u").await;
    assert_eq!(
        (&user["online"], &user["sessions"][0]["since"]),
        (&json!(true), &json!("1970-01-01T00:00:07Z"))
    );
    assert_eq!(user["sessions"].as_array().map(Vec::len), Some(2));
    let (_, nobody) = pusher.get("/v1/users/no%2Fbody").await;
    assert_eq!(
        nobody,
        json!({"user": "no/body", "online": false, "sessions": [], "complete": true, "kept": null})
    );
    let (_, topic) = pusher.get("/v1/topics/t").await;
    assert_eq!(topic, json!({"topic": "t", "sessions": 3, "complete": true, "kept": null}));
    pusher.running.stop();
}

async fn answer_everything(connection: &mut Connection, number: u64) {
    loop {
        match connection.receive().await {
            Down::Batch { pushes, .. } => {
                for (id, wanted) in entries(&pushes) {
                    assert!(wanted, "the receipt flag is set");
                    let sessions = vec![(SessionId(number), Outcome::Written)];
                    let receipt = Receipt::new(MessageId(id), sessions, 1);
                    connection.send(&Up::Receipt(receipt)).await;
                }
            }
            Down::Request { request, body } => {
                let body = match body {
                    LinkRequest::Sessions { .. } => LinkAnswer::Sessions(vec![SessionInfo {
                        id: SessionId(number),
                        transport: "tcp".into(),
                        device: None,
                        since: 7,
                        address: "127.0.0.1:5".into(),
                    }]),
                    _ => LinkAnswer::Count(number),
                };
                connection.send(&Up::Answer { request, body }).await;
            }
            _ => {}
        }
    }
}

#[actix_rt::test]
async fn a_batch_faster_than_its_gateway_is_slowed_down_and_keeps_its_order() {
    const PUSHES: u64 = 3000;
    let gateway = TestGateway::bind().await;
    let mut pusher = pusher(&[&gateway], |settings| settings.link_queue = 2 * 1024 * 1024).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    connection.snapshot(&["u"]).await;
    pusher.until_ready().await;
    let filling = "x".repeat(4000);
    let lines = (0..PUSHES)
        .map(|number| format!("{{\"to\":{{\"user\":\"u\"}},\"data\":[{number},\"{filling}\"]}}\n"));
    let body: String = lines.collect();
    let request = pusher.client.post(pusher.url("/v1/push/batch"));
    let sending = request.content_type("application/x-ndjson").send_body(body);
    let receiving = async {
        let mut next = 0;
        while next < PUSHES {
            let (seq, pushes) = connection.batch().await;
            for (_, data) in pushes {
                assert_eq!(data[0], next);
                next += 1;
            }
            connection.send(&Up::BatchAck { seq, queued_bytes: 0 }).await;
        }
    };
    let (response, ()) = futures::join!(sending, receiving);
    let report: Value = response.expect("an answer").json().await.expect("a report");
    assert_eq!(report, json!({"accepted": PUSHES, "rejected": []}));
    pusher.running.drain().await;
    pusher.running.stop();
}
