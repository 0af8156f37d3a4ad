//! A line for each frame.

use base64::{Engine, engine::general_purpose::STANDARD};
use holdfast_client::session::{Data, Frame, Said};

/// The line of a frame; nothing for what keeps the connection alive, unless it is wanted raw.
pub(super) fn line(frame: &Frame, is_raw: bool) -> Option<String> {
    let raw = || String::from_utf8_lossy(frame.text()).into_owned();
    let line = match frame.said() {
        _ if is_raw => raw(),
        Some(Said::KeepAlive) => return None,
        Some(Said::Push { data, topic, .. }) => {
            let topic = topic.map(|topic| format!("(topic {topic}) ")).unwrap_or_default();
            match data {
                Data::Json(json) => format!("push {topic}{}", json.get()),
                Data::Bytes(bytes) => format!("push {topic}(base64) {}", STANDARD.encode(bytes)),
            }
        }
        Some(Said::Hello { user, session, .. }) => format!("hello {user} (session {session})"),
        Some(Said::Bye { reason, retry_ms: Some(millis) }) => {
            format!("bye {reason} (retry in {millis} ms)")
        }
        Some(Said::Bye { reason, retry_ms: None }) => format!("bye {reason}"),
        Some(Said::Error { code, detail }) => format!("error {code}: {detail}"),
        _ => raw(),
    };
    Some(harmless(&line))
}

/// Without anything that would break the line, or that a terminal would obey.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() {
            true => shown.extend(letter.escape_unicode()),
            false => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, is_raw: bool) -> Option<String> {
        line(&Frame::new(text.as_bytes()), is_raw)
    }

    #[test]
    fn frames_become_lines() {
        let cases = [
            (r#"{"type":"push","id":"x","data":{"text":"hello"}}"#, "push {\"text\":\"hello\"}"),
            (r#"{"type":"push","id":"x","data":1,"topic":"news"}"#, "push (topic news) 1"),
            (r#"{"type":"push","id":"x","data_base64":"AAEC"}"#, "push (base64) AAEC"),
            (r#"{"type":"push","id":"x","data":null}"#, "push null"),
            (r#"{"type":"hello","user":"demo","session":"s"}"#, "hello demo (session s)"),
            (r#"{"type":"bye","reason":"draining","retry_ms":7}"#, "bye draining (retry in 7 ms)"),
            (r#"{"type":"bye","reason":"replaced"}"#, "bye replaced"),
            (r#"{"type":"error","code":"c","detail":"why"}"#, "error c: why"),
            (r#"{"type":"gap"}"#, r#"{"type":"gap"}"#),
            (r#"{"type":"news"}"#, r#"{"type":"news"}"#),
            ("no JSON", "no JSON"),
        ];
        for (frame, expected) in cases {
            assert_eq!(shown(frame, false).as_deref(), Some(expected));
            assert_eq!(shown(frame, true).as_deref(), Some(frame));
        }
        assert_eq!(shown(r#"{"type":"ping"}"#, false), None);
    }

    #[test]
    fn nothing_in_a_line_is_obeyed() {
        let frame = "{\"type\":\"push\",\"data\":\"\u{9b}31m\u{7f}\"}\n\u{1b}";
        let shown = shown(frame, true).unwrap_or_default();
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        assert!(shown.contains("\\u{9b}31m"), "{shown}");
    }
}
