//! Requests, whole and in pieces, good and bad.

use proptest::prelude::*;

use crate::fixture::{Answer, Fixture, ROOMY};

const REQUEST: &str = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world";
const CHUNKED: &str = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
                       5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";

#[actix_rt::test]
async fn requests_are_answered_in_their_order_on_one_connection() {
    let fixture = Fixture::start(ROOMY).await;
    let small = "GET /small HTTP/1.1\r\nhost: h\r\n\r\n";
    let mut peer = fixture.said(&[REQUEST, small, CHUNKED, "\r\n\r\n", small].concat()).await;
    for body in ["hello world", "\"small\"\n", "hello world", "\"small\"\n"] {
        let answer = peer.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
        assert!(!answer.head.contains("connection: close"));
    }
}

#[actix_rt::test]
async fn head_has_the_length_and_no_body() {
    let fixture = Fixture::start(ROOMY).await;
    let mut peer = fixture.said("HEAD /small HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert!(peer.head().await.contains("content-length: 8\r\n"));
    peer.expect_alive().await;
}

#[actix_rt::test]
async fn old_clients_get_one_answer() {
    let fixture = Fixture::start(ROOMY).await;
    let mut peer = fixture.said("GET /small HTTP/1.0\r\n\r\n").await;
    assert_eq!(peer.answer().await.status, 200);
    peer.expect_end().await;
    let mut peer = fixture.said("GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    assert_eq!(peer.answer().await.status, 200);
    peer.expect_alive().await;
}

#[actix_rt::test]
async fn what_cannot_be_read_is_refused_and_closed() {
    let fixture = Fixture::start(ROOMY).await;
    let long = "x".repeat(70_000);
    let cases = [
        (format!("GET /{long} HTTP/1.1\r\nhost: h\r\n\r\n"), 414),
        (format!("GET / HTTP/1.1\r\nhost: h\r\nx: {long}\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "a: b\r\n".repeat(200)), 431),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}".to_owned(), 400),
        ("nonsense\r\n\r\n".to_owned(), 400),
        ("GET /small HTTP/1.1\r\nhost: h\r\nexpect: nonsense\r\n\r\n".to_owned(), 417),
    ];
    for (text, status) in cases {
        let mut peer = fixture.said(&text).await;
        let Answer { status: found, head, body } = peer.answer().await;
        assert_eq!(found, status, "{head}");
        assert!(head.contains("connection: close\r\n"), "{head}");
        assert!(head.contains("content-type: application/problem+json\r\n"), "{head}");
        assert!(body.ends_with("}\n"), "{body}");
        peer.expect_end().await;
    }
    assert_eq!(fixture.seen.get(), 0);
}

#[actix_rt::test]
async fn a_body_is_asked_for_only_where_it_is_read() {
    let fixture = Fixture::start(ROOMY).await;
    let expecting = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
        )
    };
    let mut peer = fixture.said(&expecting("/echo")).await;
    assert_eq!(peer.head().await, "http/1.1 100 continue\r\n\r\n");
    peer.say("hello").await;
    assert_eq!(peer.answer().await.body, "hello");
    let mut peer = fixture.said(&expecting("/deaf")).await;
    let answer = peer.answer().await;
    assert_eq!(answer.status, 401);
    assert!(answer.head.contains("connection: close\r\n"), "{answer:?}");
    peer.expect_end().await;
}

#[actix_rt::test]
async fn a_body_that_nobody_reads_ends_the_connection_unless_it_came_with_its_head() {
    let fixture = Fixture::start(ROOMY).await;
    let head = "POST /deaf HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n";
    let mut peer = fixture.said(&[head, "hello"].concat()).await;
    assert_eq!(peer.answer().await.status, 401);
    peer.expect_alive().await;
    peer.say(head).await;
    assert!(peer.answer().await.head.contains("connection: close\r\n"));
    peer.expect_end().await;
    // Whoever sends everything before it reads gets the answer, too.
    let length = 2_000_000;
    let large = format!("POST /deaf HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n");
    let mut peer = fixture.said(&(large + &"x".repeat(length))).await;
    assert_eq!(peer.answer().await.status, 401);
}

#[actix_rt::test]
async fn a_body_that_ends_early_or_is_broken_is_a_problem() {
    let fixture = Fixture::start(ROOMY).await;
    let mut peer = fixture.said(&CHUNKED.replace("6\r\n world", "zz\r\n")).await;
    assert_eq!(peer.answer().await.status, 400);
    peer.expect_end().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn answers_do_not_depend_on_the_cuts(
        chunked in any::<bool>(),
        mut cuts in prop::collection::vec(1_usize..160, 0..6),
    ) {
        let text = [if chunked { CHUNKED } else { REQUEST }, REQUEST].concat();
        cuts.retain(|cut| *cut < text.len());
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let bodies = actix_rt::System::new().block_on(async {
            let fixture = Fixture::start(ROOMY).await;
            let mut peer = fixture.connect().await;
            peer.0.set_nodelay(true).unwrap();
            for piece in cuts.windows(2) {
                peer.say(&text[piece[0]..piece[1]]).await;
                // Lets the port see the pieces one by one.
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
            }
            [peer.answer().await.body, peer.answer().await.body]
        });
        prop_assert_eq!(bodies, ["hello world", "hello world"]);
    }
}
