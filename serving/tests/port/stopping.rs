//! The end of a port.

use std::{rc::Rc, time::Duration};

use actix_web::web::Data;
use tokio::sync::Semaphore;

use crate::fixture::{Fixture, ROOMY};

#[actix_rt::test]
async fn what_is_in_progress_is_answered_and_everything_closed() {
    let gate = Data::new(Semaphore::new(0));
    let fixture = Fixture::start_with(ROOMY, None, gate.clone()).await;
    let mut silent = fixture.connect().await;
    let mut idle = fixture.connect().await;
    idle.expect_alive().await;
    let mut busy = fixture.connect().await;
    busy.expect_alive().await;
    busy.say("GET /held HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut half =
        fixture.said("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhe").await;
    fixture.await_metric("test_connections", 4).await;
    let port = Rc::clone(&fixture.port);
    let stopped = actix_rt::spawn(async move { port.stop(Duration::from_secs(60)).await });
    silent.expect_end().await;
    idle.expect_end().await;
    gate.add_permits(1);
    let answer = busy.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "at last"));
    assert!(answer.head.contains("connection: close\r\n"), "{answer:?}");
    busy.expect_end().await;
    assert!(!stopped.is_finished());
    half.say("llo").await;
    let answer = half.answer().await;
    assert_eq!(answer.body, "hello");
    assert!(answer.head.contains("connection: close\r\n"), "{answer:?}");
    drop((busy, half));
    stopped.await.unwrap();
}

#[actix_rt::test]
async fn a_request_that_has_come_is_answered_although_the_port_stops() {
    let fixture = Fixture::start(ROOMY).await;
    let mut peer = fixture.connect().await;
    peer.expect_alive().await;
    // Both happen before the connection's task runs again.
    let said = peer.0.try_write(b"GET /small HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    assert!(said > 0);
    let port = Rc::clone(&fixture.port);
    let (answer, ()) = futures::join!(peer.answer(), async {
        tokio::time::timeout(Duration::from_secs(1), port.stop(Duration::from_secs(60)))
            .await
            .unwrap_or_default();
    });
    assert!(answer.head.contains("connection: close\r\n"), "{answer:?}");
}
