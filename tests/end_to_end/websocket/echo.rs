//! `/v1/echo` returns what it gets.

use std::io::Write;

use tungstenite::{Bytes, Message};

use crate::harness::{
    Client, Gateway, WebSocket,
    client::Refused,
    client::connect,
    tokens::secret_flag,
    websocket::{frame, request},
};

fn open(gateway: &Gateway) -> Result<WebSocket, Refused> {
    let mut socket = connect(gateway.http);
    socket.write_all(&request(gateway, "/v1/echo", "")).unwrap();
    WebSocket::adopt(socket)
}

#[test]
fn text_and_binary_come_back() {
    let gateway = Gateway::start(&["--echo", &secret_flag()]);
    let mut client = open(&gateway).unwrap();
    for length in [0, 1, 125, 126, 60_000] {
        let text = "x".repeat(length);
        client.write_frame(0x81, text.as_bytes());
        assert_eq!(client.message().unwrap(), Message::Text(text.clone().into()));
        client.write_frame(0x82, text.as_bytes());
        assert_eq!(client.message().unwrap(), Message::Binary(Bytes::from(text)));
    }
}

#[test]
fn large_messages_come_back_while_others_are_written() {
    let gateway = Gateway::start(&["--echo", "--max-frame=16MiB", "--outbound-limit=20MiB"]);
    let mut client = open(&gateway).unwrap();
    let payload = vec![0xa5; 8 << 20];
    let mut writing = client.socket().try_clone().unwrap();
    let wire = frame(0x82, &payload);
    let writer = std::thread::spawn(move || writing.write_all(&wire).unwrap());
    client.set_unlimited();
    assert_eq!(client.message().unwrap(), Message::Binary(Bytes::from(payload)));
    writer.join().unwrap();
}

#[test]
fn rules_hold_for_echo_sessions_and_they_close_without_a_bye() {
    let gateway = Gateway::start(&["--echo"]);
    let mut client = open(&gateway).unwrap();
    client.write_frame(0xc1, b"");
    match client.message().unwrap() {
        Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 1002),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_the_flag_there_is_no_echo() {
    let gateway = Gateway::start(&[]);
    assert_eq!(open(&gateway).err(), Some(Refused::Status(404)));
}
