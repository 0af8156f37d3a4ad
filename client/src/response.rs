//! The head of an HTTP response (RFC 9112 section 2), as all that speaks HTTP here reads it.

use httparse::{EMPTY_HEADER, Header, Response, Status};

/// The largest head taken.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most headers taken.
const MOST_HEADERS: usize = 48;

/// Where headers are put as they are found.
pub type Room<'a> = [Header<'a>; MOST_HEADERS];

/// Room in which nothing was found yet.
pub const ROOM: Room<'_> = [EMPTY_HEADER; MOST_HEADERS];

/// A complete head.
#[derive(Debug)]
pub struct Head<'r, 'a> {
    /// The status.
    pub status: u16,
    /// Bytes that the head takes.
    pub length: usize,
    headers: &'r [Header<'a>],
}

impl<'r, 'a> Head<'r, 'a> {
    /// Reads the head at the start of `bytes`, its headers into `room`; `None` if more bytes are
    /// needed.
    ///
    /// # Errors
    /// Names what is wrong with it.
    pub fn read(bytes: &'a [u8], room: &'r mut Room<'a>) -> Result<Option<Self>, &'static str> {
        let mut response = Response::new(room);
        let length = match response.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) if bytes.len() < MAX_HEAD_BYTES => return Ok(None),
            Ok(Status::Partial) => return Err("a response head larger than 16 KiB"),
            Err(_) => return Err("a response that is not HTTP"),
        };
        let status = response.code.unwrap_or_default();
        Ok(Some(Self { status, length, headers: response.headers }))
    }

    /// The value of a header.
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        let header = self.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| header.value)
    }

    /// The value of a header that is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.value(name)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_once_they_are_whole() {
        let whole = b"HTTP/1.1 503 Busy\r\nretry-after: 1\r\nX: \xff\r\n\r\nbody";
        let mut room = ROOM;
        let head = Head::read(whole, &mut room).expect("HTTP").expect("whole");
        assert_eq!((head.status, head.length), (503, whole.len() - 4));
        assert_eq!((head.text("Retry-After"), head.text("none")), (Some("1"), None));
        assert_eq!((head.value("x"), head.text("x")), (Some(&b"\xff"[..]), None));
        let most = &whole[..head.length - 1];
        assert!(Head::read(most, &mut ROOM.clone()).expect("HTTP so far").is_none());
    }

    #[test]
    fn what_is_no_head_is_named() {
        let endless = format!("HTTP/1.1 101 Yes\r\nx: {}", "y".repeat(MAX_HEAD_BYTES));
        for (text, problem) in [(&*endless, "16 KiB"), ("SSH-2.0-OpenSSH\r\n\r\n", "not HTTP")] {
            let error = Head::read(text.as_bytes(), &mut ROOM.clone()).expect_err(problem);
            assert!(error.contains(problem), "{error}");
        }
    }
}
