//! More peers than there is room for.

use actix_web::web::Data;
use serving::budget::{Limits, RESERVE};
use tokio::sync::Semaphore;

use crate::fixture::{Fixture, Peer, ROOMY};

const SMALL: &str = "GET /small HTTP/1.1\r\nhost: h\r\n\r\n";
const HELD: &str = "GET /held HTTP/1.1\r\nhost: h\r\n\r\n";

async fn start(connections: usize) -> (Fixture, Data<Semaphore>) {
    let gate = Data::new(Semaphore::new(0));
    let limits = Limits { connections, ..ROOMY };
    (Fixture::start_with(limits, None, gate.clone()).await, gate)
}

#[actix_rt::test]
async fn who_has_waited_longest_makes_room_for_whoever_comes() {
    let (fixture, gate) = start(5).await;
    let mut busy = fixture.said(HELD).await;
    let mut kinds = Vec::new();
    for round in 0..20 {
        let text = match round % 3 {
            0 => "",
            1 => "GET /small HTTP/1.1\r\n",
            _ => "GET /small HTTP/1.1\r\nhost: h\r\n\r\n",
        };
        kinds.push(fixture.said(text).await);
        let mut newcomer = fixture.connect().await;
        newcomer.expect_alive().await;
    }
    kinds[0].expect_end().await;
    gate.add_permits(1);
    assert_eq!(busy.answer().await.body, "at last", "a request in progress is not given up");
    let text = String::from_utf8(fixture.metrics.text()).unwrap();
    assert!(text.lines().any(|line| {
        line.strip_prefix("test_connections_given_up_total{reason=\"room\"} ")
            .is_some_and(|count| count.parse::<u32>().unwrap() >= 10)
    }));
}

#[actix_rt::test]
async fn newcomers_are_not_taken_for_requests_in_progress() {
    let fixture = Fixture::start(Limits { connections: 4, ..ROOMY }).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (mut peers, mut accepted) = (Vec::new(), Vec::new());
    for _ in 0..3 * RESERVE {
        let mut peer = Peer(tokio::net::TcpStream::connect(address).await.unwrap());
        peer.say(SMALL).await;
        peers.push(peer);
        let (socket, _) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        accepted.push(socket);
    }
    // All of them come before the first one's task has run.
    for socket in accepted {
        fixture.port.serve(socket, None, ()).await;
    }
    for peer in &mut peers {
        assert_eq!(peer.answer().await.status, 200);
    }
    fixture.await_metric("test_connections_turned_away_total", 0).await;
}

#[actix_rt::test]
async fn who_waits_is_told_apart_from_requests_in_progress() {
    let (fixture, gate) = start(10).await;
    let mut kept = fixture.connect().await;
    kept.expect_alive().await;
    let silent = fixture.connect().await;
    let half = fixture.said("GET /small HTTP/1.1\r\n").await;
    let mut busy = fixture.said(HELD).await;
    fixture.await_metric("test_connections", 4).await;
    fixture.await_metric("test_connections_waiting", 3).await;
    gate.add_permits(1);
    assert_eq!(busy.answer().await.status, 200);
    fixture.await_metric("test_connections_waiting", 4).await;
    drop((kept, silent, half, busy));
    fixture.await_metric("test_connections_waiting", 0).await;
}

#[actix_rt::test]
async fn bodies_that_stand_still_make_room_after_all_others() {
    let (fixture, _) = start(5).await;
    let half = "POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhel";
    let mut first = fixture.said(half).await;
    let mut idle = fixture.connect().await;
    idle.expect_alive().await;
    let mut more = Vec::new();
    for _ in 0..3 {
        more.push(fixture.said(half).await);
    }
    fixture.connect().await.expect_alive().await;
    idle.expect_end().await;
    first.say("lo").await;
    assert_eq!(first.answer().await.body, "hello");
    drop(first);
    for _ in 0..5 {
        more.push(fixture.said(half).await);
    }
    let refused = more[0].answer().await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.head.contains("retry-after: 1"), "{refused:?}");
    fixture.connect().await.expect_alive().await;
}

#[actix_rt::test]
async fn health_is_answered_while_every_place_has_a_request_in_progress() {
    let (fixture, gate) = start(3).await;
    let mut busy = Vec::new();
    for _ in 0..3 {
        busy.push(fixture.said(HELD).await);
    }
    fixture.await_metric("test_connections", 3).await;
    let mut other = fixture.said(HELD).await;
    let answer = other.answer().await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 1"), "{answer:?}");
    for _ in 0..3 * RESERVE {
        let mut peer = fixture.said("GET /health HTTP/1.1\r\nhost: h\r\n\r\n").await;
        assert_eq!(peer.answer().await.body, "well");
    }
    gate.add_permits(3);
    for peer in &mut busy {
        assert_eq!(peer.answer().await.status, 200);
    }
}

#[actix_rt::test]
async fn pipelines_nobody_reads_are_not_read_either() {
    let fixture = Fixture::start(ROOMY).await;
    let mut peer = fixture.connect().await;
    // As many as the kernel takes of the peer, and more.
    let requests = "GET /small HTTP/1.1\r\nhost: h\r\n\r\n".repeat(500_000);
    let sending = tokio::io::AsyncWriteExt::write_all(&mut peer.0, requests.as_bytes());
    let sent = tokio::time::timeout(std::time::Duration::from_secs(2), sending).await;
    assert!(sent.is_err(), "everything was read");
    // What fits into the buffers of both kernels: nowhere near half a million.
    assert!(fixture.seen.get() < 200_000, "{}", fixture.seen.get());
    fixture.connect().await.expect_alive().await;
}

#[actix_rt::test]
async fn unfinished_heads_share_a_bound() {
    let fixture = Fixture::start(Limits { bytes: 64 << 10, ..ROOMY }).await;
    let half = format!("GET / HTTP/1.1\r\nhost: h\r\nx: {}", "y".repeat(15_000));
    let mut peers: Vec<Peer> = Vec::new();
    for _ in 0..20 {
        peers.push(fixture.said(&half).await);
    }
    let refused = peers[0].answer().await;
    assert_eq!(refused.status, 503, "{refused:?}");
    fixture.connect().await.expect_alive().await;
    drop(peers);
    fixture.await_metric("test_connections", 0).await;
    fixture.await_metric("test_request_bytes", 0).await;
}

#[actix_rt::test]
async fn bodies_share_a_bound_and_who_stands_still_makes_room() {
    let fixture = Fixture::start(Limits { bytes: 256 << 10, ..ROOMY }).await;
    let head = "POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: ";
    let half = format!("{head}140000\r\n\r\n{}", "x".repeat(70_000));
    let mut first = fixture.said(&half).await;
    let mut second = fixture.said(&half).await;
    let whole = format!("{head}150000\r\n\r\n{}", "x".repeat(150_000));
    let mut third = fixture.said(&whole).await;
    assert_eq!(third.answer().await.status, 200);
    assert_eq!(first.answer().await.status, 503);
    drop((first, third));
    second.say(&"x".repeat(70_000)).await;
    assert_eq!(second.answer().await.status, 200);
    // What can never fit is refused, and holds nothing afterwards.
    let large = format!("{head}400000\r\n\r\n{}", "x".repeat(400_000));
    assert_eq!(fixture.said(&large).await.answer().await.status, 503);
    drop(second);
    fixture.await_metric("test_request_bytes", 0).await;
}
