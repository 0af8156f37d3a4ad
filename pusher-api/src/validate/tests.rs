use std::borrow::Cow;

use proptest::prelude::*;
use protocol::{
    MessageId, Topic,
    link::{EntryLayout, PushEntries, PushEntry, TargetRef},
    push::{MAX_PAYLOAD_BYTES, MAX_TTL_SECONDS},
    server_frame,
};
use serde_json::{Value, json};

use super::{
    body::To,
    parse::{parse, without_byte_order_mark},
    push::Payload,
    text::{CollapseKey, Name},
};

#[track_caller]
fn refused(body: &str, status: u16, pointer: Option<&str>) {
    let problem = parse(body.as_bytes()).expect_err(body);
    let shown = body.chars().take(80).collect::<String>();
    assert_eq!((problem.status, problem.pointer.as_deref()), (status, pointer), "{shown}");
    // Nothing of the parser's own words, and nothing long of the client's.
    let detail = &problem.detail;
    assert!(!detail.is_empty() && detail.len() < 200, "{detail}");
    for word in [" at line ", "struct ", "expected", "invalid ", "EOF", "UUID parsing"] {
        assert!(!detail.contains(word), "{detail}");
    }
}

#[test]
fn bodies_that_are_no_json_are_malformed() {
    let bodies = [
        "",
        " ",
        "{",
        "nope",
        r#"{"to":{"user":"u"},"data":}"#,
        r#"{"to":{"user":"u"},"ttl":}"#,
        r#"{"to":{"user":"u"},"data":1} x"#,
        r#"{"to":{"user":"u"},"data":[1,}"#,
        "\u{feff}{}",
        r#"{"to":{"user":"u"},"data":"\x"}"#,
    ];
    for body in bodies {
        refused(body, 400, None);
    }
    assert_eq!(parse(b"{\"to\":\"\xff\"}").expect_err("no UTF-8").status, 400);
}

#[test]
fn wrong_fields_are_named() {
    let cases = [
        ("[]", ""),
        (r#"[{"user":"u"},1]"#, ""),
        ("5", ""),
        (r#"{"data":1}"#, "/to"),
        (r#"{"to":null,"data":1}"#, "/to"),
        (r#"{"to":"u","data":1}"#, "/to"),
        (r#"{"to":["u"],"data":1}"#, "/to"),
        (r#"{"to":{},"data":1}"#, "/to"),
        (r#"{"to":{"user":"u","topic":"t"},"data":1}"#, "/to"),
        (r#"{"to":{"user":"u","all":true},"data":1}"#, "/to"),
        (r#"{"to":{"who":"u"},"data":1}"#, "/to/who"),
        (r#"{"to":{"user":""},"data":1}"#, "/to/user"),
        (r#"{"to":{"user":7},"data":1}"#, "/to/user"),
        (r#"{"to":{"user":"a\u0000b"},"data":1}"#, "/to/user"),
        (r#"{"to":{"topic":""},"data":1}"#, "/to/topic"),
        (r#"{"to":{"users":"u"},"data":1}"#, "/to/users"),
        (r#"{"to":{"users":[]},"data":1}"#, "/to/users"),
        (r#"{"to":{"users":["a","b",""]},"data":1}"#, "/to/users/2"),
        (r#"{"to":{"users":["a",1]},"data":1}"#, "/to/users/1"),
        (r#"{"to":{"all":false},"data":1}"#, "/to/all"),
        (r#"{"to":{"all":"yes"},"data":1}"#, "/to/all"),
        (r#"{"to":{"user":"u"}}"#, "/data"),
        (r#"{"to":{"user":"u"},"data":1,"data_base64":""}"#, "/data_base64"),
        (r#"{"to":{"user":"u"},"data":null,"data_base64":""}"#, "/data_base64"),
        (r#"{"to":{"user":"u"},"data_base64":"AAE"}"#, "/data_base64"),
        (r#"{"to":{"user":"u"},"data_base64":"AA-_"}"#, "/data_base64"),
        (r#"{"to":{"user":"u"},"data_base64":"AAF="}"#, "/data_base64"),
        (r#"{"to":{"user":"u"},"data_base64":7}"#, "/data_base64"),
        (r#"{"to":{"user":"u"},"data":1,"ttl":-1}"#, "/ttl"),
        (r#"{"to":{"user":"u"},"data":1,"ttl":1.5}"#, "/ttl"),
        (r#"{"to":{"user":"u"},"data":1,"ttl":2419201}"#, "/ttl"),
        (r#"{"to":{"user":"u"},"data":1,"ttl":99999999999}"#, "/ttl"),
        (r#"{"to":{"user":"u"},"data":1,"ttl":"5"}"#, "/ttl"),
        (r#"{"to":{"user":"u"},"data":1,"id":"x"}"#, "/id"),
        (r#"{"to":{"user":"u"},"data":1,"id":5}"#, "/id"),
        (r#"{"to":{"user":"u"},"data":1,"id":"00000000-0000-0000-0000-000000000000"}"#, "/id"),
        (r#"{"to":{"all":true},"data":1,"ttl":1}"#, "/ttl"),
        (r#"{"to":{"user":"\ud800"},"data":1}"#, "/to/user"),
        (r#"{"to":{"user":"u"},"data":["\ud800"]}"#, "/data"),
        (r#"{"to":{"user":"u"},"data":1e999}"#, "/data"),
        (r#"{"to":{"user":"u"},"data":1,"\ud800":1}"#, ""),
        (r#"{"to":{"user":"u"},"data":1,"collapse_key":5}"#, "/collapse_key"),
        (r#"{"to":{"user":"u"},"data":1,"urgent":true}"#, "/urgent"),
        (r#"{"to":{"user":"u"},"data":1,"a/b~c":true}"#, "/a~1b~0c"),
    ];
    for (body, pointer) in cases {
        refused(body, 422, Some(pointer));
    }
    let nested = format!("{}{}", "[".repeat(129), "]".repeat(129));
    refused(&format!(r#"{{"to":{{"user":"u"}},"data":{nested}}}"#), 422, Some("/data"));
    let long = "y".repeat(60_000);
    refused(&format!(r#"{{"to":{{"user":"u"}},"data":1,"{long}":1}}"#), 422, Some(""));
    refused(&format!(r#"{{"to":"{long}","data":1}}"#), 422, Some("/to"));
    refused(&format!(r#"{{"to":{{"{long}":1}},"data":1}}"#), 422, Some("/to"));
    let key = "é".repeat(33);
    let body = format!(r#"{{"to":{{"all":true}},"data":1,"collapse_key":"{key}"}}"#);
    refused(&body, 422, Some("/collapse_key"));
    let body = r#"{"to":{"user":"u"},"to":{"user":"v"},"data":1}"#;
    assert_eq!(parse(body.as_bytes()).expect_err("twice").status, 422);
}

#[test]
fn too_many_users_are_refused_and_duplicates_count_once() {
    let body = |count: usize| {
        let users: Vec<_> = (0..count).map(|user| format!("u{}", user % 10_001)).collect();
        json!({"to": {"users": users}, "data": 1}).to_string()
    };
    parse(body(10_000).as_bytes()).expect("as many as allowed");
    refused(&body(10_001), 422, Some("/to/users"));
    let twice = r#"{"to":{"users":["b","a","b"]},"data":1}"#;
    let To::Users(users) = parse(twice.as_bytes()).expect("valid").to else { panic!("users") };
    assert_eq!(users.0.iter().map(Name::as_str).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn payloads_are_bounded() {
    let text = "x".repeat(MAX_PAYLOAD_BYTES - 2);
    let body = |text: &str| format!(r#"{{"to":{{"all":true}},"data":"{text}"}}"#);
    parse(body(&text).as_bytes()).expect("as large as allowed");
    refused(&body(&format!("{text}x")), 413, Some("/data"));

    use base64::{Engine, engine::general_purpose::STANDARD};
    let body = |length: usize| {
        json!({"to": {"all": true}, "data_base64": STANDARD.encode(vec![7; length])}).to_string()
    };
    parse(body(MAX_PAYLOAD_BYTES).as_bytes()).expect("as large as allowed");
    refused(&body(MAX_PAYLOAD_BYTES + 1), 413, Some("/data_base64"));
    refused(&body(MAX_PAYLOAD_BYTES * 2), 413, Some("/data_base64"));
}

#[test]
fn payloads_stand_on_one_line() {
    let body = "{\"to\":{\"all\":true},\"data\": {\n\t\"a\":\r\n [1,\n2], \"b\\n\": \"\\n\"\n} }";
    let Payload::Json(text) = parse(body.as_bytes()).expect("valid").payload else { panic!() };
    assert_eq!(text, "{ \t\"a\":   [1, 2], \"b\\n\": \"\\n\" }");
}

#[test]
fn everything_that_is_allowed_is_taken() {
    let body = br#" {"id":"0190A6F0-0000-7000-8000-000000000001", "collapse_key":"k", "ttl":60,
        "data_base64":"a\/8=", "to":{"user":"h\u00e9"}} "#;
    let push = parse(body).expect("valid");
    let longest = json!({"to": {"user": "u"}, "data": 1, "collapse_key": "é".repeat(32)});
    parse(longest.to_string().as_bytes()).expect("64 bytes");
    let To::User(user) = &push.to else { panic!("a user") };
    assert_eq!((user.as_str(), push.ttl), ("hé", 60));
    assert_eq!(push.collapse_key.as_ref().map(CollapseKey::as_str), Some("k"));
    assert_eq!(push.id.expect("an id").to_string(), "0190a6f0-0000-7000-8000-000000000001");
    assert_eq!(push.payload, Payload::Base64("a/8=".into()));
    let null = parse(br#"{"to":{"topic":"t"},"data":null,"ttl":2419200}"#).expect("valid");
    assert_eq!((null.payload, null.ttl), (Payload::Json("null".into()), MAX_TTL_SECONDS));
}

#[test]
fn the_happy_path_borrows() {
    let body = br#"{"to":{"users":["a","b"]},"data":{"x":[1,2]}}"#;
    let push = parse(body).expect("valid");
    assert!(matches!(push.payload, Payload::Json(Cow::Borrowed(_))));
}

#[test]
fn what_is_wrong_is_said_in_words_of_our_own() {
    let cases = [
        (
            r#"{"to":"u","data":1}"#,
            "must be an object with exactly one of user, users, topic and all",
        ),
        (r#"{"to":{"user":7},"data":1}"#, "must be a string"),
        (r#"{"to":{"users":"u"},"data":1}"#, "must be an array of user ids"),
        (r#"{"to":{"all":"yes"},"data":1}"#, "must be true"),
        (
            r#"{"to":{"who":"u"},"data":1}"#,
            "there is no such field; known: user, users, topic, all",
        ),
        (
            r#"{"to":{"user":"u"},"data":1,"dta":2}"#,
            "there is no such field; known: to, data, data_base64, ttl, collapse_key, id",
        ),
        (r#"{"to":{"user":"u"},"ttl":0,"ttl":0}"#, "is given twice"),
        (r#"{"to":{"user":"u"},"data":1,"id":"x"}"#, "must be a UUID other than the nil one"),
        (
            r#"{"to":{"user":", expected a pony"},"id":[", expected a pony"]}"#,
            "must be a UUID other than the nil one",
        ),
        (r#"{"to":{"user":"u"},"data_base64":{", expected ":1}}"#, "must be a string"),
        (r#"{"to":{"user":"\udc00"},"data":1}"#, "has an escaped surrogate without its other half"),
        ("{", "the body ends in the middle of its JSON"),
        ("{\n}x", "the body is not JSON: see line 2, column 2"),
    ];
    for (body, detail) in cases {
        assert_eq!(parse(body.as_bytes()).expect_err(body).detail, detail, "{body}");
    }
    assert_eq!(parse(b"{\"\xff").expect_err("no UTF-8").detail, "byte 3 is not UTF-8");
}

#[test]
fn a_byte_order_mark_is_passed_over_once() {
    let body = b"\xEF\xBB\xBF{}";
    assert_eq!(without_byte_order_mark(body), b"{}");
    assert_eq!(without_byte_order_mark(b"{}"), b"{}");
    assert_eq!(without_byte_order_mark(b"\xEF\xBB\xBF\xEF\xBB\xBF"), b"\xEF\xBB\xBF");
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn user_name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9é💡\"\\\\/ _-]{1,20}"
}

fn target() -> impl Strategy<Value = Value> {
    prop_oneof![
        user_name().prop_map(|user| json!({ "user": user })),
        prop::collection::vec(user_name(), 1..5).prop_map(|users| json!({ "users": users })),
        user_name().prop_map(|topic| json!({ "topic": topic })),
        Just(json!({ "all": true })),
    ]
}

fn target_of<'a>(to: &'a To<'_>) -> TargetRef<'a> {
    match to {
        To::User(user) => TargetRef::User(user.as_str()),
        To::Users(users) => TargetRef::Users(users.0.iter().map(Name::as_str).collect()),
        To::Topic(topic) => TargetRef::Topic(topic.as_str()),
        To::All(_) => TargetRef::All,
    }
}

proptest! {
    #[test]
    fn bodies_never_panic(body: Vec<u8>) {
        let _ = parse(&body);
    }

    #[test]
    fn nearly_valid_bodies_never_panic(
        to in target(), data in json_value(), cut in 0..400_usize, byte: u8,
    ) {
        let mut body = json!({"to": to, "data": data, "ttl": 0}).to_string().into_bytes();
        if let Some(place) = body.get_mut(cut) {
            *place = byte;
        }
        let _ = parse(&body);
        body.truncate(cut);
        let _ = parse(&body);
    }

    #[test]
    fn a_valid_push_arrives_as_it_was_written(to in target(), data in json_value(), pretty: bool) {
        let value = json!({"to": to, "data": data});
        let body = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
        let body = body.expect("plain data");
        let push = parse(&body).expect("valid");
        let id = MessageId::generate();
        let topic = to.get("topic").and_then(Value::as_str).map(|text| Topic::new(text).expect("a topic"));
        let frame = server_frame::push(id, push.payload.as_frame_payload(), topic.as_ref());
        prop_assert!(!frame.contains(&b'\n') && !frame.contains(&b'\r'));

        let target = target_of(&push.to);
        let entry = PushEntry { id, accepted_micros: 7, receipt: false, target, frame: &frame, collapse_key: None };
        let mut encoded = Vec::new();
        entry.encode(EntryLayout::Framed, &mut encoded);
        let decoded: Vec<_> = PushEntries::new(&encoded, EntryLayout::Framed).collect();
        prop_assert_eq!(&decoded, &vec![Ok(entry)]);

        let received: Value = serde_json::from_slice(&frame).expect("a client reads JSON");
        prop_assert_eq!(&received["data"], &data);
        prop_assert_eq!(&received["id"], &Value::from(id.to_string()));
        prop_assert_eq!(received.get("topic"), to.get("topic"));
    }
}
