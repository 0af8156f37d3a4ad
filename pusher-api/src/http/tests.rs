use std::{sync::Arc, time::Duration};

use actix_web::{
    App,
    body::MessageBody,
    dev::ServiceResponse,
    http::header,
    middleware::from_fn,
    test::{self, TestRequest},
    web,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::routes::{ENDPOINTS, Endpoint, Query};
use crate::{
    api::Api,
    engine::{
        any::AnyEngine,
        local::{
            engine::LocalEngine,
            link::{
                handle::{Bounds, Link},
                room::Certainty,
            },
            presence::Epoch,
        },
    },
    settings::Settings,
};

struct Fixture {
    api: web::Data<Api>,
    link: Arc<Link>,
}

/// The API in front of one gateway that is connected as far as it can tell, and holds `u`.
fn fixture(keys: &[&str]) -> Fixture {
    fixture_with(|settings| {
        settings.api_key = keys.iter().map(|key| key.parse().expect("any text")).collect();
    })
}

/// A directory that goes with its test.
struct Data(std::path::PathBuf);

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The same with a store.
fn keeping(name: &str) -> (Fixture, Data) {
    let name = format!("holdfast-http-{}-{name}.d", std::process::id());
    let data = Data(std::env::temp_dir().join(name));
    (fixture_with(|settings| settings.kept.data = Some(data.0.clone())), data)
}

fn fixture_with(change: impl FnOnce(&mut Settings)) -> Fixture {
    let mut settings = Settings {
        gateway_timeout: Duration::from_millis(1),
        pending_receipts: 1,
        ..Settings::default()
    };
    change(&mut settings);
    let api = Api::new(&settings).expect("no file is read");
    let AnyEngine::Local(LocalEngine { services, .. }) = &api.engine;
    let link = services.gateways.add("127.0.0.1:1".parse().unwrap(), Bounds::of_queue(1000));
    link.welcome(Uuid::from_u128(1), 0, "g");
    link.synced();
    services.gateways.set_looked_up();
    services.presence.came("u", link.index, Epoch(1));
    Fixture { api: web::Data::new(api), link }
}

impl Fixture {
    async fn call(&self, request: TestRequest) -> ServiceResponse<impl MessageBody> {
        let app = App::new().app_data(self.api.clone()).wrap(from_fn(super::door::at_the_door));
        let app = test::init_service(app.configure(super::routes::routes)).await;
        match test::try_call_service(&app, request.to_request()).await {
            Ok(response) => response.map_into_boxed_body(),
            // What the server does with an error that a middleware returns.
            Err(error) => {
                let request = TestRequest::default().to_http_request();
                ServiceResponse::new(request, error.error_response()).map_into_boxed_body()
            }
        }
    }

    async fn json(&self, request: TestRequest) -> (u16, Value) {
        let response = self.call(request).await;
        let status = response.status().as_u16();
        let kind = response.headers().get(header::CONTENT_TYPE).cloned();
        let kind = kind.expect("a media type");
        let expected = if status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(kind, expected);
        (status, test::read_body_json(response).await)
    }

    async fn push(&self, body: &'static str) -> (u16, Value) {
        self.json(TestRequest::post().uri("/v1/push").set_payload(body)).await
    }
}

#[actix_rt::test]
async fn a_push_is_accepted_and_goes_to_the_gateway() {
    let fixture = fixture(&[]);
    let (status, body) = fixture.push(r#"{"to":{"user":"u"},"data":1}"#).await;
    assert_eq!(status, 202);
    assert!(body["id"].as_str().expect("an id").parse::<Uuid>().is_ok());
    assert!(fixture.link.room.taken() > 0);
    let (status, _) = fixture.push(r#"{"to":{"user":"nobody"},"data":1}"#).await;
    assert_eq!(status, 202);
}

#[actix_rt::test]
async fn the_same_id_twice_is_one_push() {
    let fixture = fixture(&[]);
    let body = r#"{"to":{"user":"u"},"data":1,"id":"0190a6f0-0000-7000-8000-000000000001"}"#;
    let first = fixture.push(body).await;
    let queued = fixture.link.room.taken();
    assert_eq!(fixture.push(body).await, first);
    assert_eq!(fixture.link.room.taken(), queued);
    assert_eq!(fixture.api.metrics.pushes.duplicate.get(), 1);
}

#[actix_rt::test]
async fn a_refused_push_may_be_tried_again_under_its_id() {
    let fixture = fixture(&[]);
    assert!(fixture.link.room.reserve(1000, Certainty::Known));
    let body = r#"{"to":{"user":"u"},"data":1,"id":"0190a6f0-0000-7000-8000-000000000001"}"#;
    let response = fixture.call(TestRequest::post().uri("/v1/push").set_payload(body)).await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers().get(header::RETRY_AFTER).expect("a pause"), "1");
    fixture.link.room.give_back(1000, Certainty::Known);
    assert_eq!(fixture.push(body).await.0, 202);
    assert!(fixture.link.room.taken() > 0);
}

#[actix_rt::test]
async fn errors_are_problems() {
    let fixture = fixture(&[]);
    let post = |body: &'static str| TestRequest::post().uri("/v1/push").set_payload(body);
    let valid = r#"{"to":{"user":"u"},"data":1}"#;
    let form = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let cases = [
        (post("{"), 400, Value::Null),
        (post(r#"{"to":{"user":""},"data":1}"#), 422, json!("/to/user")),
        (post(r#"{"to":{"user":"u"},"data":1,"ttl":5}"#), 501, json!("/ttl")),
        (post(valid).insert_header(form), 415, Value::Null),
        (post(valid).uri("/v1/push?receipt=5"), 422, Value::Null),
        (post(valid).uri("/v1/push?receipt=31s"), 422, Value::Null),
        (TestRequest::post().uri("/v1/push").set_payload(vec![b' '; 3 << 20]), 413, Value::Null),
        (TestRequest::get().uri("/v1/push"), 405, Value::Null),
        (TestRequest::post().uri("/metrics"), 405, Value::Null),
        (TestRequest::get().uri("/v1/nothing"), 404, Value::Null),
        (TestRequest::get().uri("/nothing"), 404, Value::Null),
        (TestRequest::get().uri("/v1/users/a%0Ab"), 422, Value::Null),
        (TestRequest::get().uri("/v1/users/a%FFb"), 422, Value::Null),
        (TestRequest::delete().uri("/v1/users/u/sessions?device="), 422, Value::Null),
        (TestRequest::put().uri("/v1/users/nobody/topics/t"), 404, Value::Null),
    ];
    for (request, status, pointer) in cases {
        let (found, body) = fixture.json(request).await;
        assert_eq!((found, &body["pointer"]), (status, &pointer), "{body}");
        assert_eq!(body["status"], status);
    }
}

#[actix_rt::test]
async fn media_types_may_have_parameters() {
    let fixture = fixture(&[]);
    let request = TestRequest::post().uri("/v1/push");
    let request = request.insert_header((header::CONTENT_TYPE, "Application/JSON; charset=utf-8"));
    let request = request.set_payload(r#"{"to":{"user":"u"},"data":1}"#);
    assert_eq!(fixture.call(request).await.status(), 202);
}

#[actix_rt::test]
async fn keys_are_needed_where_they_are_configured() {
    let fixture = fixture(&["first", "second"]);
    let get = |key: Option<&str>| {
        let request = TestRequest::get().uri("/v1/gateways");
        key.map_or(TestRequest::get().uri("/v1/gateways"), |key| {
            request.insert_header((header::AUTHORIZATION, key.to_owned()))
        })
    };
    for key in [None, Some("Bearer third"), Some("Bearer "), Some("Basic first"), Some("first")] {
        let response = fixture.call(get(key)).await;
        assert_eq!(response.status(), 401, "{key:?}");
        assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
    }
    for key in ["Bearer first", "bearer second"] {
        assert_eq!(fixture.call(get(Some(key))).await.status(), 200);
    }
    for open in [
        "/",
        "/page.json",
        "/page/main.js",
        "/holdfast.js",
        "/metrics",
        "/healthz",
        "/readyz",
        "/openapi.json",
    ] {
        assert_eq!(fixture.call(TestRequest::get().uri(open)).await.status(), 200, "{open}");
    }
    let hidden = fixture.call(TestRequest::get().uri("/v1/nothing")).await;
    assert_eq!(hidden.status(), 401);
}

#[actix_rt::test]
async fn a_key_allows_what_its_scopes_say() {
    let fixture = fixture(&["a:push:p", "b:read:r", "c:admin:d", "d:events,read:e"]);
    let as_of = |key: &str, request: TestRequest| {
        request.insert_header((header::AUTHORIZATION, format!("Bearer {key}")))
    };
    for endpoint in ENDPOINTS {
        let Some(scope) = endpoint.scope else { continue };
        let path = endpoint.path.replace("{user}", "u").replace("{topic}", "t");
        for (key, scopes) in [("p", "push"), ("r", "read"), ("d", "admin"), ("e", "events read")] {
            let request = TestRequest::default().method(endpoint.method.clone()).uri(&path);
            let response = fixture.call(as_of(key, request)).await;
            let status = response.status().as_u16();
            assert_eq!(status != 403, scopes.contains(scope.as_str()), "{path} {key}: {status}");
            if status == 403 {
                let body: Value = test::read_body_json(response).await;
                let named = format!("the scope {}", scope.as_str());
                assert!(body["detail"].as_str().is_some_and(|it| it.ends_with(&named)), "{body}");
            }
        }
    }
}

#[actix_rt::test]
async fn every_route_refuses_a_parameter_it_does_not_know() {
    let fixture = fixture(&[]);
    for Endpoint { method, path, query, .. } in ENDPOINTS {
        let path = path.replace("{user}", "u").replace("{topic}", "t");
        let request = TestRequest::default().method(method.clone());
        let response = fixture.call(request.uri(&format!("{path}?Device=phone"))).await;
        if *query == Query::OfThePage {
            assert_eq!(response.status(), 200, "{path}");
            continue;
        }
        assert_eq!(response.status(), 422, "{method} {path}");
        let body: Value = test::read_body_json(response).await;
        assert!(body["detail"].as_str().is_some_and(|it| it.contains("\"Device\"")), "{body}");
    }
    let body = r#"{"to":{"user":"u"},"data":1}"#;
    let request = TestRequest::post().uri("/v1/push?receipts=1s").set_payload(body);
    assert_eq!(fixture.json(request).await.0, 422);
    assert_eq!(fixture.link.room.taken(), 0, "nothing was pushed");
}

#[actix_rt::test]
async fn every_series_of_a_request_begins_at_zero() {
    let fixture = fixture(&[]);
    super::routes::begin_at_zero(&fixture.api.metrics);
    let response = fixture.call(TestRequest::get().uri("/metrics")).await;
    let text = test::read_body(response).await;
    let text = std::str::from_utf8(&text).expect("text");
    for Endpoint { method, path, statuses, .. } in ENDPOINTS {
        for status in *statuses {
            let labels = format!("{{method=\"{method}\",route=\"{path}\",status=\"{status}\"}} 0");
            assert!(text.contains(&labels), "{labels}");
        }
    }
}

#[actix_rt::test]
async fn errors_repeat_little_of_what_was_sent() {
    let fixture = fixture(&[]);
    let long = "x".repeat(60_000);
    let requests = [
        TestRequest::get().uri(&format!("/{long}")),
        TestRequest::get().uri(&format!("/v1/users/u?{long}=1")),
        TestRequest::get().uri(&format!("/v1/users/{long}")),
        TestRequest::post().uri("/v1/push").set_payload(format!("{{\"{long}\":1}}")),
        TestRequest::post().uri("/v1/push").insert_header((header::CONTENT_TYPE, long.clone())),
        TestRequest::post().uri(&format!("/v1/push?receipt={long}")),
    ];
    for request in requests {
        let (status, body) = fixture.json(request).await;
        assert!(status >= 400 && body.to_string().len() < 2048, "{status}");
    }
}

#[actix_rt::test]
async fn one_bad_line_never_spoils_the_others() {
    let fixture = fixture(&[]);
    let body = concat!(
        "{\"to\":{\"user\":\"u\"},\"data\":1}\n",
        "\r\n",
        "{\"to\":{\"user\":\"u\"},\"data\":}\n",
        "{\"to\":{\"user\":\"\"},\"data\":1}\r\n",
        "{\"to\":{\"user\":\"u\"},\"data\":4}",
    );
    let request = TestRequest::post().uri("/v1/push/batch").set_payload(body);
    let (status, report) = fixture.json(request).await;
    assert_eq!((status, &report["accepted"]), (200, &json!(2)));
    let rejected = report["rejected"].as_array().expect("a list");
    let lines: Vec<_> = rejected.iter().map(|entry| (&entry["lines"], &entry["pointer"])).collect();
    assert_eq!(lines, [(&json!([3, 3]), &Value::Null), (&json!([4, 4]), &json!("/to/user"))]);
}

#[actix_rt::test]
async fn a_batch_waits_for_room_before_it_rejects() {
    let fixture = fixture(&[]);
    assert!(fixture.link.room.reserve(1000, Certainty::Known));
    let body = r#"{"to":{"user":"u"},"data":1}"#.to_owned() + "\n";
    let request = TestRequest::post().uri("/v1/push/batch").set_payload(body);
    let make_room = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        fixture.link.room.give_back(1000, Certainty::Known);
    };
    let ((_, report), ()) = futures::join!(fixture.json(request), make_room);
    assert_eq!(report, json!({"accepted": 1, "rejected": []}));
}

#[actix_rt::test]
async fn a_user_whose_line_found_no_room_waits_with_all_that_follow() {
    let fixture = fixture(&[]);
    assert!(fixture.link.room.reserve(700, Certainty::Known));
    // The first needs more than the link has room for, the second less, but it is the same user's.
    let large = json!({"to": {"user": "u"}, "data": "x".repeat(900)}).to_string();
    let small = r#"{"to":{"user":"u"},"data":1}"#;
    let other = r#"{"to":{"user":"nobody"},"data":1}"#;
    let body = [&large, small, other, small].join("\n");
    let request = TestRequest::post().uri("/v1/push/batch").set_payload(body);
    let (_, report) = fixture.json(request).await;
    let lines: Vec<_> = report["rejected"].as_array().expect("a list").iter().collect();
    let lines: Vec<_> =
        lines.iter().map(|it| (it["lines"].clone(), it["status"].clone())).collect();
    let expected = [1, 2, 4].map(|line| (json!([line, line]), json!(503)));
    assert_eq!((lines, &report["accepted"]), (expected.to_vec(), &json!(1)));
    assert_eq!((fixture.link.room.taken(), &report["retry_after"]), (700, &json!(1)));
}

/// Whatever the speed, so many lines are more than a turn's work.
#[actix_rt::test]
async fn others_have_their_turn_while_a_batch_is_read() {
    let fixture = fixture(&[]);
    let line = r#"{"to":{"user":"nobody"},"data":1}"#.to_owned() + "\n";
    let request = TestRequest::post().uri("/v1/push/batch").set_payload(line.repeat(20_000));
    let mut batch = Box::pin(fixture.json(request));
    let mut turns = 0;
    let (_, report) = loop {
        match futures::poll!(&mut batch) {
            std::task::Poll::Ready(answer) => break answer,
            std::task::Poll::Pending => turns += 1,
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(report["accepted"], 20_000);
    assert!(turns > 16, "{turns} turns");
}

#[actix_rt::test]
async fn nothing_is_accepted_without_a_gateway() {
    let fixture = fixture(&[]);
    fixture.link.give_up();
    let (status, body) = fixture.push(r#"{"to":{"user":"u"},"data":1}"#).await;
    assert_eq!((status, &body["detail"]), (503, &json!("no gateway is connected")));
    assert_eq!(fixture.json(TestRequest::get().uri("/readyz")).await.0, 503);
    let metrics = fixture.call(TestRequest::get().uri("/metrics")).await;
    let metrics = test::read_body(metrics).await;
    let metrics = std::str::from_utf8(&metrics).expect("text");
    for line in ["holdfast_pusher_ready 0", "holdfast_pusher_not_ready{reason=\"no_gateway\"} 1"] {
        assert!(metrics.contains(line), "{line}");
    }
    assert_eq!(fixture.call(TestRequest::get().uri("/healthz")).await.status(), 200);
}

#[actix_rt::test]
async fn receipts_are_for_as_many_pushes_as_allowed() {
    let fixture = fixture(&[]);
    let waiting = fixture.api.receipts.expect(protocol::MessageId::generate());
    let body = r#"{"to":{"user":"nobody"},"data":1}"#;
    let request = || TestRequest::post().uri("/v1/push?receipt=10s").set_payload(body);
    assert_eq!(fixture.json(request()).await.0, 503);
    drop(waiting);
    let (status, receipt) = fixture.json(request()).await;
    assert_eq!((status, &receipt["online"]), (200, &json!(false)), "nobody has to be waited for");
    assert_eq!(receipt["sessions"], json!([]));
}

#[actix_rt::test]
async fn metrics_name_gateways_and_never_users() {
    let fixture = fixture(&[]);
    fixture.push(r#"{"to":{"user":"u"},"data":1}"#).await;
    let request = TestRequest::get().uri("/v1/users/some-user-id");
    fixture.call(request).await;
    let response = fixture.call(TestRequest::get().uri("/metrics")).await;
    let text = test::read_body(response).await;
    let text = std::str::from_utf8(&text).expect("text");
    for line in [
        "holdfast_pusher_pushes_total{result=\"accepted\"} 1",
        "holdfast_pusher_link_state{gateway=\"127.0.0.1:1\",state=\"up\"} 1",
        "holdfast_pusher_link_queue_bytes{gateway=\"127.0.0.1:1\"}",
        "holdfast_pusher_request_duration_seconds_count{route=\"/v1/push\"} 1",
        "holdfast_pusher_requests_total{method=\"POST\",route=\"/v1/push\",status=\"202\"} 1",
        "holdfast_pusher_targets_total{to=\"user\"} 1",
        "holdfast_pusher_targets_total{to=\"topic\"} 0",
        "holdfast_pusher_ready 1",
        "holdfast_pusher_not_ready{reason=\"no_gateway\"} 0",
        "holdfast_pusher_receipts_pending_limit 1",
        "holdfast_pusher_link_queue_limit_bytes 67108864",
        "holdfast_pusher_ids_remembered 0",
        "holdfast_build_info{version=",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("some-user-id"));
}

const KEPT: &str = r#"{"to":{"user":"u"},"data":1,"ttl":60}"#;

#[actix_rt::test]
async fn a_push_that_is_kept_needs_neither_room_nor_a_link() {
    let (fixture, _data) = keeping("room");
    assert!(fixture.link.room.reserve(1000, Certainty::Known));
    assert_eq!(fixture.push(KEPT).await.0, 202);
    assert_eq!(fixture.push(r#"{"to":{"user":"u"},"data":1}"#).await.0, 503);
    fixture.link.ended();
    fixture.link.give_up();
    assert_eq!(fixture.push(KEPT).await.0, 202);
    assert_eq!(fixture.link.take_missed(), None, "nobody has missed it");
    assert_eq!(fixture.api.metrics.pushes.dropped_at_loss.get(), 0);
}

#[actix_rt::test]
async fn while_the_store_cannot_be_asked_only_live_pushes_are_taken() {
    let (fixture, _data) = keeping("away");
    assert_eq!(fixture.push(KEPT).await.0, 202);
    fixture.api.keeping.close().await;
    let (status, body) = fixture.push(KEPT).await;
    assert_eq!(status, 503, "{body}");
    assert!(body["detail"].as_str().is_some_and(|it| it.contains("the store")), "{body}");
    assert_eq!(fixture.push(r#"{"to":{"user":"u"},"data":1}"#).await.0, 202);
    let forget = TestRequest::delete().uri("/v1/users/u/kept");
    assert_eq!(fixture.json(forget).await.0, 503);
    let lines = [KEPT, r#"{"to":{"user":"v"},"data":1}"#, r#"{"to":{"user":"u"},"data":2}"#];
    let batch = TestRequest::post().uri("/v1/push/batch").set_payload(lines.join("\n"));
    let (status, report) = fixture.json(batch).await;
    assert_eq!((status, &report["accepted"]), (200, &json!(1)), "{report}");
    let rejected = report["rejected"].as_array().expect("two");
    let lines: Vec<_> = rejected.iter().map(|entry| (&entry["lines"], &entry["status"])).collect();
    let expected = [(&json!([1, 1]), &json!(503)), (&json!([3, 3]), &json!(503))];
    assert_eq!(lines, expected, "nobody is overtaken");
    assert_eq!(report["retry_after"], 1);
}

#[actix_rt::test]
async fn a_kept_push_without_a_place_among_receipts_is_not_kept() {
    let (fixture, _data) = keeping("receipts");
    let waiting = fixture.api.receipts.expect(protocol::MessageId::generate());
    let with_receipt = TestRequest::post().uri("/v1/push?receipt=1ms").set_payload(KEPT);
    assert_eq!(fixture.json(with_receipt).await.0, 503);
    drop(waiting);
    let (status, user) = fixture.json(TestRequest::get().uri("/v1/users/u")).await;
    assert_eq!((status, &user["kept"]["count"]), (200, &json!(0)));
}

#[actix_rt::test]
async fn a_bad_line_behind_kept_ones_is_told_in_its_place() {
    let (fixture, _data) = keeping("bad_line");
    let long = format!("{KEPT}\n{KEPT}\n{}", "x".repeat(10));
    let batch = TestRequest::post().uri("/v1/push/batch").set_payload(long);
    let (status, report) = fixture.json(batch).await;
    assert_eq!((status, &report["accepted"]), (200, &json!(2)), "{report}");
    assert_eq!(report["rejected"][0]["lines"], json!([3, 3]));
}
