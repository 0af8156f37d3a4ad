//! The link between pusher-api and gateway is for those who know the secret.

use std::io::Write;

use crate::harness::{
    Client, Gateway, PusherApi, Tcp, client::connect, eventually, websocket::read_head,
};

const SECRET: &str = "--link-secret=between us";

#[test]
fn the_same_secret_links() {
    let gateway = Gateway::start(&[SECRET]);
    let pusher = PusherApi::start(&[&gateway], &[SECRET]);
    let mut client = Tcp::join(&gateway, "u");
    let body = serde_json::json!({ "to": { "user": "u" }, "data": 1 });
    assert_eq!(pusher.client.push_with_receipt(&body)["online"], true);
    client.expect("push");
}

#[test]
fn a_wrong_secret_does_not_and_the_log_says_so() {
    let gateway = Gateway::start(&[SECRET]);
    for flags in [&["--link-secret=wrong"][..], &[]] {
        let mut pusher = PusherApi::start_unready(&[&gateway], flags);
        pusher.process.find_in_log("why there is no link", |line| {
            (line.contains("gateway not connected") && line.contains("secret")).then_some(())
        });
        let ready = pusher.client.get("/readyz");
        assert_eq!((ready.status, ready.header("retry-after").is_some()), (503, true));
        let push = r#"{"to":{"user":"u"},"data":1}"#;
        assert_eq!(pusher.client.post("/v1/push", "application/json", push).status, 503);
    }
    assert_eq!(gateway.metrics().get("holdfast_links"), 0.0);
}

/// Both gateways are linked, and a client of each is reached.
fn expect_linked(gateways: &[Gateway; 2], pusher: &PusherApi) {
    pusher.await_ready();
    for (gateway, user) in gateways.iter().zip(["one", "two"]) {
        gateway.await_metric("holdfast_links", 1.0);
        let mut client = Tcp::join(gateway, user);
        let body = serde_json::json!({ "to": { "user": user }, "data": 1 });
        assert_eq!(pusher.client.push_with_receipt(&body)["online"], true);
        client.expect("push");
    }
}

#[test]
fn a_secret_is_replaced_while_the_links_go_on() {
    let (old, new) = ("--link-secret=between us", "--link-secret=since today");
    let mut gateways = [Gateway::start(&[old]), Gateway::start(&[old])];
    let mut pusher = PusherApi::start(&[&gateways[0], &gateways[1]], &[old]);
    expect_linked(&gateways, &pusher);

    // First every gateway takes both, one from flags and one from a file.
    let file = std::env::temp_dir().join(format!("holdfast-rotation-{}", std::process::id()));
    std::fs::write(&file, "# until all have the new one\nbetween us\nsince today\n").unwrap();
    let both = format!("--link-secret-file={}", file.display());
    gateways[0].restart_with(&[old, new]);
    expect_linked(&gateways, &pusher);
    gateways[1].restart_with(&["--link-secret=since today", &both]);
    expect_linked(&gateways, &pusher);

    // Then pusher-api shows the new one, then the gateways forget the old one.
    pusher.restart_with(&[new]);
    expect_linked(&gateways, &pusher);
    std::fs::write(&file, "since today\n").unwrap();
    gateways[0].restart_with(&[new]);
    gateways[1].restart();
    expect_linked(&gateways, &pusher);
    let mut late = PusherApi::start_unready(&[&gateways[0]], &[old]);
    late.process.find_in_log("why there is no link", |line| line.contains("secret").then_some(()));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn garbage_on_the_link_ends_only_the_link() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let request = "GET /v1/link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
                   Upgrade: holdfast-link\r\nUpgrade: websocket\r\n\r\n";
    for garbage in [&[0xff; 100][..], &[0; 5], &[4, 0, 0, 0, 1, 9, 9, 9, 9]] {
        let mut socket = connect(gateway.operators);
        socket.write_all(request.as_bytes()).unwrap();
        assert!(read_head(&mut socket).starts_with("HTTP/1.1 101 "));
        socket.write_all(garbage).unwrap();
        let mut rest = Vec::new();
        // Closed, orderly or not.
        let _ = std::io::Read::read_to_end(&mut socket, &mut rest);
    }
    eventually("only the good link is left", || {
        (gateway.metrics().get("holdfast_links") == 1.0).then_some(())
    });
    assert_eq!(pusher.client.get("/readyz").status, 200);
}
