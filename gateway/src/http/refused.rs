//! A problem as a whole HTTP response, in bytes, behind which the connection closes.

use std::{io::Write, time::SystemTime};

use httpdate::HttpDate;
use protocol::problem::{CONTENT_TYPE, Problem};
use serving::problem::status;

/// How an answer is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// The methods there are, for `Allow` (RFC 9110 section 10.2.1).
    pub allow: &'static str,
    /// Whether the body is left out, as the answer to HEAD has none.
    pub head_only: bool,
}

/// The bytes of the response.
pub(crate) fn refused(problem: &Problem, manner: Manner) -> Vec<u8> {
    let status = status(problem);
    let reason = status.canonical_reason().unwrap_or_default();
    let body = problem.to_json();
    let mut out = Vec::with_capacity(512 + body.len());
    let mut line = |text: std::fmt::Arguments<'_>| {
        out.write_fmt(text).expect("writing to memory does not fail");
        out.extend_from_slice(b"\r\n");
    };
    line(format_args!("HTTP/1.1 {} {reason}", status.as_str()));
    line(format_args!("content-type: {CONTENT_TYPE}"));
    line(format_args!("content-length: {}", body.len()));
    line(format_args!("connection: close"));
    line(format_args!("date: {}", HttpDate::from(SystemTime::now())));
    if let Some(seconds) = problem.retry_after {
        line(format_args!("retry-after: {seconds}"));
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
        let bytes = refused(&problem, Manner { allow: "GET, HEAD", head_only });
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
            assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
            let is_date = |line: &str| {
                line.strip_prefix("date: ").is_some_and(|it| httpdate::parse_http_date(it).is_ok())
            };
            assert!(head.split("\r\n").any(is_date), "{head}");
        }
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
