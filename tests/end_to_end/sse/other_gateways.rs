//! Frames that are posted to another gateway than the one that has the session.

use serde_json::{Value, json};

use crate::harness::{
    Client, Gateway, Http, PusherApi, Sse, Who, eventually,
    http::Answer,
    tokens::{secret_flag, token, token_of_device},
};

const PING: &str = r#"{"type":"ping"}"#;

/// Two gateways and a pusher-api; a client at the first, and where the second takes its frames.
struct Apart {
    gateways: [Gateway; 2],
    pusher: PusherApi,
    client: Sse,
    path: String,
}

fn apart() -> Apart {
    let gateways =
        ["one", "two"].map(|it| Gateway::start(&[&format!("--name={it}"), &secret_flag()]));
    let pusher = PusherApi::start(&[&gateways[0], &gateways[1]], &[]);
    let who = Who::Token(token_of_device("u", "d"));
    let (client, hello) = Sse::open(&gateways[0], who).unwrap();
    let path = format!("/v1/frames?session={}", hello["session"].as_str().unwrap());
    Apart { gateways, pusher, client, path }
}

impl Apart {
    fn post(&self, token: &str, body: &str) -> Answer {
        let http = Http::with_key(self.gateways[1].http, token);
        http.post(&self.path, "text/plain", body)
    }

    fn own(&self, body: &str) -> Answer {
        self.post(&token_of_device("u", "d"), body)
    }

    fn passed_on(&self) -> f64 {
        self.pusher.metrics().get("holdfast_pusher_relays_total{result=\"passed_on\"}")
    }
}

fn frames(frames: &[Value]) -> String {
    frames.iter().map(|frame| format!("{frame}\n")).collect()
}

#[test]
fn frames_find_their_session_at_another_gateway() {
    let mut it = apart();
    assert_eq!(it.own(PING).status, 204);
    it.client.expect("pong");
    for number in 0..20 {
        let body = frames(&[json!({ "type": "echo", "number": number })]);
        assert_eq!(it.own(&body).status, 400, "an unknown type");
        assert_eq!(it.own(PING).status, 204);
        it.client.expect("pong");
    }
    let topics = |topics: Value| json!({ "type": "subscribe", "topics": topics });
    let forbidden = it.own(&frames(&[json!({ "type": "pong" }), topics(json!(["news"]))]));
    let problem = forbidden.json();
    assert_eq!((forbidden.status, &problem["code"]), (403, &json!("forbidden")), "{problem}");
    assert_eq!(problem["pointer"], "/1", "the line is named: {problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("line 2: "), "{problem}");
    it.client.expect_alive();
}

#[test]
fn a_subscription_that_was_posted_to_another_gateway_is_in_force() {
    let gateways = ["one", "two"].map(|it| Gateway::start(&[&format!("--name={it}")]));
    let pusher = PusherApi::start(&[&gateways[0], &gateways[1]], &[]);
    let (mut client, hello) = Sse::open(&gateways[0], "u").unwrap();
    let path = format!("/v1/frames?user=u&session={}", hello["session"].as_str().unwrap());
    let http = Http::new(gateways[1].http);
    let body = json!({ "type": "subscribe", "topics": ["news"] }).to_string();
    assert_eq!(http.post(&path, "application/json", &body).status, 204);
    client.expect("subscribed");
    pusher.client.push(&json!({ "to": { "topic": "news" }, "data": 7 }));
    assert_eq!(client.expect("push")["data"], 7);
    let frame = format!("{body}\n{{\"type\":\"dance\"}}\n");
    let refused = http.post(&path, "text/plain", &frame).json();
    assert_eq!((&refused["code"], &refused["pointer"]), (&json!("unknown_type"), &json!("/1")));
}

#[test]
fn a_session_id_alone_opens_nothing_at_another_gateway() {
    let mut it = apart();
    let others = [token_of_device("v", "d"), token_of_device("u", "e"), token("u")];
    for other in others {
        let answer = it.post(&other, PING);
        assert_eq!((answer.status, &answer.json()["title"]), (404, &json!("Not Found")));
    }
    assert_eq!(it.post("garbage", PING).status, 401);
    let own = std::mem::replace(&mut it.path, "/v1/frames?session=00000000000000ff".to_owned());
    assert_eq!(it.own(PING).status, 404, "nobody has it");
    assert_eq!(it.passed_on(), 4.0, "what is no token of ours is not passed on");
    it.path = own;
    assert_eq!(it.own(PING).status, 204);
    it.client.expect("pong");
}

#[test]
fn without_a_way_to_ask_everybody_the_answer_is_to_come_back() {
    let mut it = apart();
    let unavailable = |answer: Answer| {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        answer.json()["detail"].as_str().unwrap().to_owned()
    };
    {
        let _stopped = it.gateways[0].process.stopped();
        let detail = unavailable(it.own(PING));
        assert!(detail.contains("gateway one") && detail.contains("may have been"), "{detail}");
    }
    it.client.expect("pong");
    it.gateways[0].process.kill();
    let detail = eventually("the loss is noticed", || {
        let detail = unavailable(it.own(PING));
        detail.contains("not connected").then_some(detail)
    });
    assert!(detail.contains("gateway one"), "{detail}");
    it.pusher.process.kill();
    eventually("nobody is there to ask", || {
        unavailable(it.own(PING)).contains("no pusher-api").then_some(())
    });
}

#[test]
fn any_pusher_api_will_do() {
    let mut it = apart();
    let all = [&it.gateways[0], &it.gateways[1]];
    // One that knows the second gateway only, and one that knows both.
    let lonely = PusherApi::start(&all[1..], &[]);
    let second = PusherApi::start(&all, &[]);
    for _ in 0..10 {
        assert_eq!(it.own(PING).status, 204);
        it.client.expect("pong");
    }
    it.pusher.process.kill();
    for _ in 0..10 {
        eventually("the other one is asked", || (it.own(PING).status == 204).then_some(()));
        it.client.expect("pong");
    }
    drop((lonely, second));
}
