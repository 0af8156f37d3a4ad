//! Whom forwarded requests are said to come from.

use proptest::prelude::*;
use settings::Network;

use super::*;

fn found(fields: &[String]) -> Option<String> {
    let text = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", fields.concat());
    let (request, _) = Request::read(text.as_bytes()).ok()??;
    let trusted = ["10.0.0.0/8", "fd00::/8"].map(|it| it.parse::<Network>().expect(it));
    let is_trusted = |ip| trusted.iter().any(|network| network.contains(ip));
    client(&request, is_trusted).map(|address| address.to_string())
}

fn forwarded(lines: &[&str]) -> Option<String> {
    found(&lines.iter().map(|line| format!("Forwarded: {line}\r\n")).collect::<Vec<_>>())
}

fn x_forwarded_for(lines: &[&str]) -> Option<String> {
    found(&lines.iter().map(|line| format!("X-Forwarded-For: {line}\r\n")).collect::<Vec<_>>())
}

#[test]
fn the_last_who_is_not_trusted_is_the_client() {
    let cases: [(&[&str], Option<&str>); 21] = [
        (&["for=192.0.2.1"], Some("192.0.2.1")),
        (&["for=\"192.0.2.1:4711\""], Some("192.0.2.1:4711")),
        (&["For=192.0.2.1:4711;proto=https"], Some("192.0.2.1:4711")),
        (&["proto=https;for=\"[2001:db8::1]:80\";by=10.0.0.9"], Some("[2001:db8::1]:80")),
        (&["for=203.0.113.9, for=192.0.2.1"], Some("192.0.2.1")),
        (&["for=192.0.2.1, for=10.0.0.1", "for=10.0.0.2"], Some("192.0.2.1")),
        (&["for=192.0.2.1 , for=\"[fd00::1]\""], Some("192.0.2.1")),
        (&["for=10.0.0.3, for=10.0.0.1"], Some("10.0.0.3")),
        (&["for=192.0.2.1, for=unknown"], None),
        (&["for=192.0.2.1, for=_hidden, for=10.0.0.1"], Some("10.0.0.1")),
        (&["for=192.0.2.1, proto=https"], None),
        (&["for=192.0.2.1;for=192.0.2.2"], None),
        (&["for=192.0.2.1,, "], Some("192.0.2.1")),
        (&["for=\"192.0.2\\.1\""], Some("192.0.2.1")),
        (&["for=\", for=192.0.2.1"], None),
        (&["for=192.0.2.1, for=\"10.0.0.1"], None),
        (&["for=\"", "for=192.0.2.1"], Some("192.0.2.1")),
        (&["for=\"a,b\", for=192.0.2.1"], Some("192.0.2.1")),
        (&["for 192.0.2.1"], None),
        (&[""], None),
        (&["secret=\"a;b,c\";for=192.0.2.1"], Some("192.0.2.1")),
    ];
    for (lines, expected) in cases {
        assert_eq!(forwarded(lines).as_deref(), expected, "{lines:?}");
    }
}

#[test]
fn the_older_field_is_a_list() {
    let cases: [(&[&str], Option<&str>); 7] = [
        (&["192.0.2.1"], Some("192.0.2.1")),
        (&["203.0.113.9, 192.0.2.1,10.0.0.1"], Some("192.0.2.1")),
        (&["203.0.113.9", "192.0.2.1"], Some("192.0.2.1")),
        (&["2001:db8::1, fd00::1"], Some("2001:db8::1")),
        (&["192.0.2.1:4711"], Some("192.0.2.1:4711")),
        (&["192.0.2.1, nobody, 10.0.0.1"], Some("10.0.0.1")),
        (&["192.0.2.1, nobody"], None),
    ];
    for (lines, expected) in cases {
        assert_eq!(x_forwarded_for(lines).as_deref(), expected, "{lines:?}");
    }
    let both = ["Forwarded: for=192.0.2.1\r\n", "X-Forwarded-For: 192.0.2.2\r\n"];
    assert_eq!(found(&both.map(str::to_owned)).as_deref(), Some("192.0.2.1"));
    let wrong = ["Forwarded: for=unknown\r\n", "X-Forwarded-For: 192.0.2.2\r\n"];
    assert_eq!(found(&wrong.map(str::to_owned)), None, "the newer field is the one that counts");
}

proptest! {
    /// Whatever a client writes, what a trusted proxy has added in a line of its own decides.
    #[test]
    fn what_a_client_writes_does_not_matter(text in "[ -~]{0,60}") {
        let client = Some("192.0.2.1".to_owned());
        prop_assert_eq!(forwarded(&[&text, "for=192.0.2.1"]), client.clone());
        prop_assert_eq!(x_forwarded_for(&[&text, "192.0.2.1"]), client.clone());
        prop_assert_eq!(x_forwarded_for(&[&format!("{text}, 192.0.2.1")]), client);
        // In the same line it can hide who it is, and cannot be somebody else.
        let added = forwarded(&[&format!("{text}, for=192.0.2.1")]);
        prop_assert!(matches!(added.as_deref(), None | Some("192.0.2.1")), "{:?}", added);
    }
}
