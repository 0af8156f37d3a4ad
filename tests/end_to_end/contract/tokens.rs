//! Who is let in, and for how long.

use serde_json::json;

use crate::harness::{
    Client, Gateway, Process, Who,
    client::Refused,
    tokens::{SECRET, in_seconds, key_file, secret_flag, sign, sign_with_key, token, unsigned},
};

contract!(
    a_good_token_lets_its_user_in,
    bad_tokens_are_refused,
    public_keys_of_every_kind_are_taken,
    a_key_set_is_taken_by_key_id,
    without_keys_a_user_id_stands_in,
    a_session_ends_with_its_token,
    a_refreshed_token_prolongs_the_session,
    bad_refreshes_are_answered_and_forgotten,
    the_token_command_signs_what_gateways_take,
);

fn a_good_token_lets_its_user_in<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let (_client, hello) = C::open(&gateway, Who::signed("Zoë")).unwrap();
    assert_eq!(hello["user"], "Zoë");
}

fn bad_tokens_are_refused<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let good = json!({ "sub": "u", "exp": in_seconds(60) });
    let bad = [
        sign(&good, "another secret"),
        sign(&json!({ "sub": "u", "exp": in_seconds(-11) }), SECRET),
        sign(&json!({ "sub": "u" }), SECRET),
        sign(&json!({ "exp": in_seconds(60) }), SECRET),
        sign(&json!({ "sub": "", "exp": in_seconds(60) }), SECRET),
        sign(&json!({ "sub": "u", "exp": in_seconds(60), "nbf": in_seconds(50) }), SECRET),
        unsigned(&good),
        sign_with_key(&good, "rsa", None),
        format!("{}x", sign(&good, SECRET)),
        "garbage".to_owned(),
        String::new(),
    ];
    for token in bad {
        expect_unauthorized::<C>(&gateway, Who::Token(token));
    }
    expect_unauthorized::<C>(&gateway, Who::user("u"));
}

fn public_keys_of_every_kind_are_taken<C: Client>() {
    let keys = ["rsa", "ec", "ed"].map(|kind| key_file(&format!("{kind}.public.pem")));
    let gateway = Gateway::start(&[&format!("--jwt-public-key={}", keys.join(","))]);
    let claims = json!({ "sub": "u", "exp": in_seconds(60) });
    for kind in ["rsa", "ec", "ed"] {
        // The second time it is remembered.
        let token = sign_with_key(&claims, kind, None);
        C::join(&gateway, Who::Token(token.clone()));
        C::join(&gateway, Who::Token(token));
    }
    // A public key is no HMAC secret.
    let public = std::fs::read_to_string(&keys[0]).unwrap();
    expect_unauthorized::<C>(&gateway, Who::Token(sign(&claims, &public)));
}

fn a_key_set_is_taken_by_key_id<C: Client>() {
    let gateway = Gateway::start(&[&format!("--jwks={}", key_file("jwks.json"))]);
    let claims = json!({ "sub": "u", "exp": in_seconds(60) });
    for kind in ["rsa", "ec", "ed"] {
        C::join(&gateway, Who::Token(sign_with_key(&claims, kind, Some(kind))));
        C::join(&gateway, Who::Token(sign_with_key(&claims, kind, None)));
        let unknown = sign_with_key(&claims, kind, Some("unknown"));
        expect_unauthorized::<C>(&gateway, Who::Token(unknown));
    }
}

fn without_keys_a_user_id_stands_in<C: Client>() {
    let gateway = Gateway::start(&[]);
    let longest = "ü".repeat(64);
    assert_eq!(C::open(&gateway, longest.as_str()).unwrap().1["user"], longest);
    for user in [String::new(), "x".repeat(129), "a\nb".to_owned(), "\u{1}0".to_owned()] {
        expect_unauthorized::<C>(&gateway, Who::User(user));
    }
}

fn a_session_ends_with_its_token<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let short = sign(&json!({ "sub": "u", "exp": in_seconds(2) }), SECRET);
    let mut client = C::join(&gateway, Who::Token(short));
    client.expect_bye("token_expired", 4401);
}

fn a_refreshed_token_prolongs_the_session<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let short = sign(&json!({ "sub": "u", "exp": in_seconds(3) }), SECRET);
    let mut refreshed = C::join(&gateway, Who::Token(short.clone()));
    let mut expiring = C::join(&gateway, Who::Token(short));
    refreshed.send(&json!({ "type": "refresh", "token": token("u") }));
    refreshed.expect_alive();
    // Both had the same time; when the one is over, the other has outlived it.
    expiring.expect_bye("token_expired", 4401);
    refreshed.expect_alive();
    // A refresh can also shorten the time.
    let shorter = sign(&json!({ "sub": "u", "exp": in_seconds(1) }), SECRET);
    refreshed.send(&json!({ "type": "refresh", "token": shorter }));
    refreshed.expect_bye("token_expired", 4401);
}

fn bad_refreshes_are_answered_and_forgotten<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let mut client = C::join(&gateway, Who::signed("u"));
    let expired = sign(&json!({ "sub": "u", "exp": in_seconds(-11) }), SECRET);
    for bad in [token("v"), expired, "garbage".to_owned(), sign(&json!({}), "other")] {
        client.send(&json!({ "type": "refresh", "token": bad }));
        assert_eq!(client.expect("error")["code"], "unauthorized");
    }
    client.send(&json!({ "type": "refresh" }));
    assert_eq!(client.expect("error")["code"], "invalid_frame");
    client.expect_alive();
}

fn the_token_command_signs_what_gateways_take<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    let secret = format!("--secret={SECRET}");
    let arguments = ["token", "--user=Zoë", &secret, "--ttl=5m", "--topic=a", "--topic=b"];
    let mut process = Process::start(&arguments.map(str::to_owned));
    assert!(process.wait().success());
    let printed = crate::harness::eventually("the token", || process.output().pop());
    let (_client, hello) = C::open(&gateway, Who::Token(printed)).unwrap();
    assert_eq!(hello["user"], "Zoë");
}

fn expect_unauthorized<C: Client>(gateway: &Gateway, who: Who) {
    let shown = format!("{who:?}");
    match C::open(gateway, who) {
        Err(Refused::Status(401)) => {}
        Err(Refused::Reason(reason)) => assert_eq!(reason, "unauthorized", "{shown}"),
        Err(other) => panic!("{shown}: {other:?}"),
        Ok(_) => panic!("{shown} was let in"),
    }
}
