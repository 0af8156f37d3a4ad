//! A problem, or nothing, as a whole HTTP response, in bytes, behind which the connection closes.

use std::{io::Write, time::SystemTime};

use httpdate::HttpDate;
use protocol::problem::{CONTENT_TYPE, Problem};
use serving::problem::status;

/// How an answer is given.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner<'a> {
    /// The methods there are, for `Allow` (RFC 9110 section 10.2.1).
    pub allow: &'static str,
    /// Whether the body is left out, as the answer to HEAD has none.
    pub head_only: bool,
    /// The origin whose pages may read it, if one may.
    pub reader: Option<&'a str>,
}

/// Appends the fields that let pages of this origin read the answer, if of one (Fetch, section 3.3.3).
pub(crate) fn let_read(reader: Option<&str>, out: &mut Vec<u8>) {
    if let Some(origin) = reader {
        write!(out, "access-control-allow-origin: {origin}\r\nvary: origin\r\n")
            .expect("writing to memory does not fail");
    }
}

/// What a page may send that asks with more than a browser lets pass by itself.
const ALLOWED_FIELDS: &str = "authorization, content-type, last-event-id";
/// For how long a browser may remember that, in seconds.
const REMEMBERED: u32 = 7200;

/// The response that has no body (RFC 9110 section 15.3.5), with what a preflight asks for (Fetch, section
/// 3.3.3).
pub(crate) fn no_content(methods: &str, reader: Option<&str>) -> Vec<u8> {
    let mut out = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n".to_vec();
    let_read(reader, &mut out);
    if reader.is_some() {
        write!(
            out,
            "access-control-allow-methods: {methods}\r\n\
             access-control-allow-headers: {ALLOWED_FIELDS}\r\naccess-control-max-age: {REMEMBERED}\r\n"
        )
        .expect("writing to memory does not fail");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// The bytes of the response.
pub(crate) fn refused(problem: &Problem, manner: Manner<'_>) -> Vec<u8> {
    let status = status(problem);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut told = problem.clone();
    told.retry_ms = told.retry_ms.or(told.retry_after.map(|seconds| seconds.saturating_mul(1000)));
    let body = told.to_json();
    let mut out = Vec::with_capacity(512 + body.len());
    write!(out, "HTTP/1.1 {} {reason}\r\n", status.as_str())
        .expect("writing to memory does not fail");
    let_read(manner.reader, &mut out);
    let mut line = |text: std::fmt::Arguments<'_>| {
        out.write_fmt(text).expect("writing to memory does not fail");
        out.extend_from_slice(b"\r\n");
    };
    line(format_args!("content-type: {CONTENT_TYPE}"));
    line(format_args!("content-length: {}", body.len()));
    line(format_args!("connection: close"));
    line(format_args!("date: {}", HttpDate::from(SystemTime::now())));
    if let Some(seconds) = problem.retry_after {
        line(format_args!("retry-after: {seconds}"));
    }
    if manner.reader.is_some() {
        line(format_args!("access-control-expose-headers: retry-after"));
    }
    match problem.status {
        401 => line(format_args!("www-authenticate: Bearer")),
        405 => line(format_args!("allow: {}", manner.allow)),
        // Without the option `upgrade` of RFC 9110 section 7.8, because the connection ends here.
        426 => line(format_args!("upgrade: websocket\r\nsec-websocket-version: 13")),
        _ => {}
    }
    line(format_args!(""));
    if !manner.head_only {
        out.extend_from_slice(&body);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, head_only: bool) -> (String, String) {
        let problem = Problem::new(status, "T", "d").retry_after(Duration::from_secs(3));
        let bytes = refused(&problem, Manner { allow: "GET, HEAD", head_only, reader: None });
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    #[test]
    fn each_status_says_what_goes_with_it() {
        for (status, line, said) in [
            (401, "HTTP/1.1 401 Unauthorized\r\n", "www-authenticate: Bearer"),
            (405, "HTTP/1.1 405 Method Not Allowed\r\n", "allow: GET, HEAD"),
            (426, "HTTP/1.1 426 Upgrade Required\r\n", "sec-websocket-version: 13"),
            (503, "HTTP/1.1 503 Service Unavailable\r\n", "retry-after: 3"),
        ] {
            let (head, body) = answer(status, false);
            assert!(head.starts_with(line) && head.contains(said), "{head}");
            assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
            assert!(body.contains(r#""retry_ms":3000"#), "{body}");
            assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
            let is_date = |line: &str| {
                line.strip_prefix("date: ").is_some_and(|it| httpdate::parse_http_date(it).is_ok())
            };
            assert!(head.split("\r\n").any(is_date), "{head}");
        }
    }

    #[test]
    fn a_page_that_may_read_is_told_so() {
        let manner = Manner { reader: Some("https://a"), ..Manner::default() };
        for bytes in
            [refused(&Problem::new(401, "T", "d"), manner), no_content("GET", manner.reader)]
        {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains("\r\naccess-control-allow-origin: https://a\r\n"), "{text}");
            assert!(text.contains("\r\nvary: origin\r\n"), "{text}");
        }
        let silent = no_content("GET", None);
        assert_eq!(silent, b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    }

    #[test]
    fn the_answer_to_head_is_the_same_without_its_body() {
        let (with, without) = (answer(404, false), answer(404, true));
        let length = |head: &str| head.lines().find(|it| it.contains("length")).map(str::to_owned);
        assert_eq!(length(&with.0), length(&without.0));
        assert_eq!(without.1, "");
        assert!(with.1.starts_with('{'));
    }
}
