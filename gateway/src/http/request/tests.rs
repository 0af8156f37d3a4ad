//! Heads, whole and in pieces.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Option<(Request<'_>, usize)>, HeadError> {
    Request::read(text.as_bytes())
}

fn status(text: &str) -> u16 {
    read(text).expect_err(text).problem().status
}

#[test]
fn heads_are_read() {
    let text = "\r\nGET /v1/ws?user=u&x=%20 HTTP/1.1\r\nHost: h\r\nUpgrade: a, websocket\r\n\
                upgrade:b\r\nX:  y  \r\n\r\nrest";
    let (request, length) = read(text).unwrap().unwrap();
    assert_eq!(&text[length..], "rest");
    assert_eq!((request.method, request.path, request.query), ("GET", "/v1/ws", "user=u&x=%20"));
    assert_eq!((request.is_http_1_0, request.body), (false, Body::None));
    assert_eq!(request.field("x"), Some("y"));
    assert_eq!(request.list("UPGRADE").collect::<Vec<_>>(), ["a", "websocket", "b"]);
    assert_eq!(request.fields("upgrade").count(), 2);
    assert_eq!(request.field("nothing"), None);
    for end in 0..length {
        assert_eq!(read(&text[..end]), Ok(None), "{end}");
    }
}

#[test]
fn targets_have_a_path_and_a_query() {
    for (target, expected) in [
        ("/", ("/", "")),
        ("/a?b?c", ("/a", "b?c")),
        ("/a?u=http://x/y", ("/a", "u=http://x/y")),
        ("http://h:1/a?b", ("/a", "b")),
        ("http://h", ("/", "")),
        ("*", ("*", "")),
    ] {
        assert_eq!(split_target(target), expected, "{target}");
    }
}

#[test]
fn bodies_are_announced_in_one_way() {
    for (fields, expected) in [
        ("", Ok(Body::None)),
        ("Content-Length: 0\r\n", Ok(Body::None)),
        ("Content-Length: 5\r\n", Ok(Body::Sized(5))),
        ("Content-Length: 99999999999999999999999\r\n", Ok(Body::Sized(u64::MAX))),
        ("Transfer-Encoding: Chunked\r\n", Ok(Body::Chunked)),
        ("Content-Length: +5\r\n", Err(400)),
        ("Content-Length: \r\n", Err(400)),
        ("Content-Length: 5, 5\r\n", Err(400)),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", Err(400)),
        ("Transfer-Encoding: gzip, chunked\r\n", Err(400)),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(400)),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Err(400)),
    ] {
        let text = format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        let found = read(&text).map(|found| found.unwrap().0.body);
        assert_eq!(found.map_err(|error| error.problem().status), expected, "{fields}");
    }
    assert_eq!(status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

#[test]
fn what_is_no_request_is_told_so() {
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0",
        "GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
        "{\"type\":\"connect\"}\n",
    ] {
        assert_eq!(status(text), 400, "{text:?}");
    }
    assert!(read("GET / HTTP/1.0\r\n\r\n").unwrap().unwrap().0.is_http_1_0);
}

#[test]
fn heads_end_somewhere() {
    let long = "x".repeat(MAX_HEAD_BYTES);
    assert_eq!(status(&format!("GET /{long}")), 414);
    assert_eq!(status(&format!("{}GET /{long}", "\r\n".repeat(9))), 414);
    assert_eq!(status(&long), 414);
    assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: h\r\nX: {long}")), 431);
    let many = "a:b\r\n".repeat(MAX_FIELDS);
    assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: h\r\n{many}")), 431);
    let begun = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
    let longest = format!("{begun}{}\r\n\r\n", "x".repeat(MAX_HEAD_BYTES - begun.len() - 4));
    assert_eq!(read(&longest).unwrap().unwrap().1, MAX_HEAD_BYTES);
    assert_eq!(status(&longest.replace("X: ", "X:  ")), 431);
}

proptest! {
    #[test]
    fn pieces_are_read_as_the_whole(
        text in "(GET|POST|x) /?[a-z?]{0,9} HTTP/1.[01]\r?\n(Host: h\r\n|[A-Za-z:, \r\n]{0,20}){0,6}\r\n.{0,9}",
        step in 1_usize..20,
    ) {
        let whole = Request::read(text.as_bytes());
        let mut in_pieces = Ok(None);
        for end in (0..text.len() + step).step_by(step) {
            in_pieces = Request::read(&text.as_bytes()[..end.min(text.len())]);
            if in_pieces != Ok(None) {
                break;
            }
        }
        prop_assert_eq!(in_pieces, whole);
    }
}
