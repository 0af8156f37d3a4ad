//! What a session says, as a whole HTTP response, in bytes.

use std::io::Write;

use super::refused::let_read;

/// How an answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// The connection goes on behind it.
    GoesOn,
    /// It closes.
    Closes,
}

/// The response with this JSON text, or without one, which pages of this origin may read.
pub(crate) fn answer(json: Option<&[u8]>, reader: Option<&str>, behind: Behind) -> Vec<u8> {
    let body = json.unwrap_or_default();
    let mut out = Vec::with_capacity(192 + body.len());
    let mut write = |text: std::fmt::Arguments<'_>| {
        out.write_fmt(text).expect("writing to memory does not fail");
    };
    match json {
        None => write(format_args!("HTTP/1.1 204 No Content\r\n")),
        Some(body) => write(format_args!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        )),
    }
    if behind == Behind::Closes {
        write(format_args!("connection: close\r\n"));
    }
    write(format_args!("cache-control: no-store\r\n"));
    let_read(reader, &mut out);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_how_long_they_are() {
        let text = |json, behind| String::from_utf8(answer(json, Some("*"), behind)).unwrap();
        let frames = text(Some(b"{}"), Behind::GoesOn);
        let (head, body) = frames.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\ncontent-length: 2\r\n") && body == "{}", "{frames}");
        assert!(head.contains("\r\naccess-control-allow-origin: *\r\n"), "{head}");
        assert!(!head.contains("connection"), "{head}");
        let nothing = text(None, Behind::Closes);
        assert!(nothing.starts_with("HTTP/1.1 204 ") && nothing.ends_with("\r\n\r\n"));
        assert!(nothing.contains("\r\nconnection: close\r\n"), "{nothing}");
    }
}
