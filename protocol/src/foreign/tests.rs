//! Whose requests are the developer's.

use super::*;

const HOST: (&str, &str) = ("Host", "127.0.0.1:8080");

fn check(fields: &[(&str, &str)]) -> Result<(), Foreign> {
    let allowed = ["https://app.example".to_owned()];
    let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
    Marks::read(fields).check(&[8080], &allowed)
}

#[test]
fn the_host_is_this_machine_s_with_its_port() {
    let cases = [
        ("127.0.0.1:8080", true),
        ("localhost:8080", true),
        ("LOCALHOST:8080", true),
        ("127.9.9.9:8080", true),
        ("[::1]:8080", true),
        ("localhost", false),
        ("localhost:80", false),
        ("localhost:8081", false),
        ("localhost:", false),
        ("localhost:8080:8080", false),
        ("localhost.example:8080", false),
        ("127.0.0.1.example:8080", false),
        ("evil.example:8080", false),
        ("10.0.0.1:8080", false),
        ("0.0.0.0:8080", false),
        ("[::]:8080", false),
        ("::1:8080", false),
        ("[127.0.0.1]:8080", false),
        ("user@localhost:8080", false),
        ("", false),
    ];
    for (host, fine) in cases {
        let expected = if fine { Ok(()) } else { Err(Foreign::Host) };
        assert_eq!(check(&[("host", host)]), expected, "{host}");
    }
    assert_eq!(check(&[]), Err(Foreign::Host));
    assert_eq!(check(&[HOST, HOST]), Err(Foreign::Host), "which of the two?");
    let at_80 = Marks { host: Some("localhost"), ..Marks::default() };
    assert_eq!(at_80.check(&[80], &[]), Ok(()), "the port of http may be left out");
}

#[test]
fn pages_are_this_machine_s_or_allowed() {
    let cases = [
        ("http://localhost", Ok(())),
        ("http://localhost:3000", Ok(())),
        ("https://127.0.0.1:3000", Ok(())),
        ("http://[::1]:3000", Ok(())),
        ("https://app.example", Ok(())),
        ("https://app.example:444", Err(Foreign::Origin)),
        ("http://app.example", Err(Foreign::Origin)),
        ("https://evil.example", Err(Foreign::Origin)),
        ("http://localhost.evil.example", Err(Foreign::Origin)),
        ("http://localhost:3000@evil.example", Err(Foreign::Origin)),
        ("null", Err(Foreign::Origin)),
        ("file://", Err(Foreign::Origin)),
        ("", Err(Foreign::Origin)),
        ("\u{e9}", Err(Foreign::Origin)),
    ];
    for (origin, expected) in cases {
        assert_eq!(check(&[HOST, ("Origin", origin)]), expected, "{origin}");
    }
}

#[test]
fn browsers_say_where_a_request_comes_from() {
    let cases = [("cross-site", false), ("same-site", true), ("same-origin", true), ("none", true)];
    for (site, fine) in cases {
        let expected = if fine { Ok(()) } else { Err(Foreign::Site) };
        assert_eq!(check(&[HOST, ("Sec-Fetch-Site", site)]), expected, "{site}");
    }
    let allowed = [HOST, ("Origin", "https://app.example"), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(check(&allowed), Ok(()), "an allowed page is of another site");
}

#[test]
fn what_a_proxy_has_touched_is_not_taken() {
    for name in ["Forwarded", "via", "X-Real-IP", "X-Forwarded-For", "x-forwarded-proto"] {
        assert_eq!(check(&[HOST, (name, "")]), Err(Foreign::Forwarded), "{name}");
    }
    assert_eq!(check(&[HOST, ("X-Forwarded", ""), ("Accept", "*/*")]), Ok(()));
}
