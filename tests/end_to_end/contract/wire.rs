//! However the bytes are cut, the frames are the same.

use std::io::Write;

use serde_json::json;

use crate::harness::{Client, Event, Gateway, Who, client::connect, tokens::secret_flag};

contract_of_streams!(
    everything_byte_by_byte,
    many_frames_in_one_segment,
    frames_right_behind_the_handshake,
    frames_right_behind_a_refused_handshake_do_not_swallow_the_reason,
);

fn everything_byte_by_byte<C: Client>() {
    let gateway = Gateway::start(&["--echo"]);
    let mut socket = connect(C::address(&gateway));
    let send_slowly = |socket: &mut std::net::TcpStream, bytes: &[u8]| {
        bytes.iter().for_each(|byte| socket.write_all(&[*byte]).unwrap());
    };
    send_slowly(&mut socket, &C::handshake(&gateway, &Who::user("u")));
    let mut writing = socket.try_clone().unwrap();
    let mut client = C::adopt(socket).unwrap();
    client.expect("hello");
    for number in 0..5 {
        let frame = json!({ "type": "echo", "n": number, "x": "é".repeat(70 * number) });
        send_slowly(&mut writing, &C::wire(&frame.to_string()));
        assert_eq!(client.expect("echo"), frame);
    }
}

fn many_frames_in_one_segment<C: Client>() {
    let gateway = Gateway::start(&["--echo"]);
    let mut client = C::join(&gateway, "u");
    client.write(&numbered::<C>(200));
    expect_numbered(&mut client, 200);
}

fn frames_right_behind_the_handshake<C: Client>() {
    let gateway = Gateway::start(&["--echo"]);
    let mut socket = connect(C::address(&gateway));
    let mut bytes = C::handshake(&gateway, &Who::user("u"));
    bytes.extend(numbered::<C>(100));
    socket.write_all(&bytes).unwrap();
    let mut client = C::adopt(socket).unwrap();
    client.expect("hello");
    expect_numbered(&mut client, 100);
    client.expect_alive();
}

fn frames_right_behind_a_refused_handshake_do_not_swallow_the_reason<C: Client>() {
    let gateway = Gateway::start(&[&secret_flag()]);
    for _ in 0..20 {
        let mut socket = connect(C::address(&gateway));
        let mut bytes = C::handshake(&gateway, &Who::Token("garbage".into()));
        bytes.extend(numbered::<C>(2000));
        socket.write_all(&bytes).unwrap();
        // Over HTTP the status says it.
        let Ok(mut client) = C::adopt(socket) else { continue };
        match client.next() {
            Event::Frame(bye) => assert_eq!(bye["reason"], "unauthorized"),
            closed => panic!("{closed:?}"),
        }
    }
}

fn numbered<C: Client>(count: u64) -> Vec<u8> {
    let frame = |n| C::wire(&json!({ "type": "echo", "n": n }).to_string());
    (0..count).flat_map(frame).collect()
}

fn expect_numbered(client: &mut impl Client, count: u64) {
    for number in 0..count {
        assert_eq!(client.expect("echo")["n"], number);
    }
}
