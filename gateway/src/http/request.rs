//! The head of a request (RFC 9112), read from the bytes that have come so far, without a copy.
//!
//! What a beginning says, every longer one says, too: so it does not matter in which pieces the
//! bytes came.

use httparse::{EMPTY_HEADER, Error as Syntax, Header, Status};
use protocol::problem::Problem;

/// The most bytes of a head: room for a token of some size, and for what browsers add.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The most header fields.
const MAX_FIELDS: usize = 96;

/// The head of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path of the target, still percent-encoded.
    pub path: &'a str,
    /// What stands behind the `?` of the target, if anything does.
    pub query: &'a str,
    /// Whether it is HTTP/1.0.
    pub is_http_1_0: bool,
    /// What is said of a body.
    pub body: Body,
    fields: Vec<Header<'a>>,
}

/// What a head says of a body (RFC 9112 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// One of so many bytes.
    Sized(u64),
    /// One that says itself where it ends.
    Chunked,
}

/// Why a head is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is not HTTP/1, or says what cannot be.
    #[error("the request cannot be read: {0}")]
    Malformed(&'static str),
    /// The request line has no end within [`MAX_HEAD_BYTES`].
    #[error("the request line is longer than {MAX_HEAD_BYTES} bytes")]
    TargetTooLong,
    /// It has no end within [`MAX_HEAD_BYTES`].
    #[error("the request's head is longer than {MAX_HEAD_BYTES} bytes")]
    TooLong,
    /// It has more than [`MAX_FIELDS`] fields.
    #[error("the request has more than {MAX_FIELDS} header fields")]
    TooManyFields,
}

impl HeadError {
    /// What the client is told.
    pub(crate) fn problem(&self) -> Problem {
        let (status, title) = match self {
            Self::Malformed(_) => (400, "Bad Request"),
            Self::TargetTooLong => (414, "URI Too Long"),
            Self::TooLong | Self::TooManyFields => (431, "Request Header Fields Too Large"),
        };
        Problem::new(status, title, self.to_string())
    }
}

impl Body {
    /// The body of a request whose head is followed by `bytes`; nothing while it has not come whole. One that
    /// says itself where it ends is taken for none.
    pub(crate) fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        match self {
            Self::None | Self::Chunked => Some(&[]),
            Self::Sized(length) => bytes.get(..usize::try_from(length).ok()?),
        }
    }
}

impl<'a> Request<'a> {
    /// Reads the head that `bytes` begin with, and how many of them it takes; nothing while its end
    /// has not come.
    ///
    /// # Errors
    /// It is none, or too long: more bytes would not change that.
    pub fn read(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, HeadError> {
        let searched = &bytes[..bytes.len().min(MAX_HEAD_BYTES)];
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        match parsed.parse(searched).map_err(problem_of)? {
            Status::Complete(length) => Ok(Some((Self::checked(&parsed)?, length))),
            Status::Partial if searched.len() < MAX_HEAD_BYTES => Ok(None),
            // Empty lines may stand in front (RFC 9112 section 2.2).
            Status::Partial if has_line(searched.trim_ascii_start()) => Err(HeadError::TooLong),
            Status::Partial => Err(HeadError::TargetTooLong),
        }
    }

    fn checked(parsed: &httparse::Request<'_, 'a>) -> Result<Self, HeadError> {
        let (Some(method), Some(target), Some(version)) =
            (parsed.method, parsed.path, parsed.version)
        else {
            return Err(HeadError::Malformed("the request line is incomplete"));
        };
        let (path, query) = split_target(target);
        let is_http_1_0 = version == 0;
        let fields = parsed.headers.to_vec();
        let mut request = Self { method, path, query, is_http_1_0, body: Body::None, fields };
        request.check_host()?;
        request.body = request.announced_body()?;
        Ok(request)
    }

    /// Exactly one Host, which HTTP/1.0 may leave out (RFC 9112 section 3.2).
    fn check_host(&self) -> Result<(), HeadError> {
        match self.fields("host").count() {
            1 => Ok(()),
            0 if self.is_http_1_0 => Ok(()),
            0 => Err(HeadError::Malformed("there is no Host")),
            _ => Err(HeadError::Malformed("there is more than one Host")),
        }
    }

    /// Who could be understood in two ways is not understood at all (RFC 9112 section 6.3).
    fn announced_body(&self) -> Result<Body, HeadError> {
        let encodings = self.fields("transfer-encoding").count();
        let lengths = self.fields("content-length").count();
        match (encodings, lengths) {
            (0, 0) => Ok(Body::None),
            (0, 1) => self
                .field("content-length")
                .and_then(length)
                .ok_or(HeadError::Malformed("Content-Length is no number of bytes")),
            (0, _) => Err(HeadError::Malformed("there is more than one Content-Length")),
            (_, 0) if !self.is_http_1_0 && self.is_chunked() => Ok(Body::Chunked),
            (_, 0) => Err(HeadError::Malformed("Transfer-Encoding can be chunked only")),
            _ => Err(HeadError::Malformed("Content-Length stands beside Transfer-Encoding")),
        }
    }

    fn is_chunked(&self) -> bool {
        let mut encodings = self.fields("transfer-encoding");
        let first = encodings.next();
        first.is_some_and(|it| it.eq_ignore_ascii_case(b"chunked")) && encodings.next().is_none()
    }

    /// The values of a header field, without the spaces around them.
    pub(crate) fn fields<'n>(
        &self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a [u8]> + use<'_, 'a, 'n> {
        let found = self.fields.iter().filter(move |it| it.name.eq_ignore_ascii_case(name));
        found.map(|it| it.value.trim_ascii())
    }

    /// Every header field.
    pub(crate) fn all_fields(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'_, 'a> {
        self.fields.iter().map(|it| (it.name, it.value.trim_ascii()))
    }

    /// The text of a header field, the first if there are several.
    pub(crate) fn field(&self, name: &str) -> Option<&'a str> {
        self.fields(name).next().and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The members of a header field that is a list, over all its lines (RFC 9110 section 5.6.1).
    pub(crate) fn list<'n>(
        &self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a str> + use<'_, 'a, 'n> {
        let texts = self.fields(name).filter_map(|value| std::str::from_utf8(value).ok());
        texts.flat_map(|text| text.split(',')).map(str::trim).filter(|member| !member.is_empty())
    }
}

/// The path and the query of a target, which may be a whole URI (RFC 9112 section 3.2.2).
fn split_target(target: &str) -> (&str, &str) {
    let relative = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.find('/').map_or("/", |at| &rest[at..])
        }
        _ => target,
    };
    relative.split_once('?').unwrap_or((relative, ""))
}

fn length(text: &str) -> Option<Body> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match is_number.then(|| text.parse())? {
        Ok(0) => Some(Body::None),
        Ok(bytes) => Some(Body::Sized(bytes)),
        // More than can be counted.
        Err(_) => Some(Body::Sized(u64::MAX)),
    }
}

fn has_line(bytes: &[u8]) -> bool {
    bytes.contains(&b'\n')
}

fn problem_of(error: Syntax) -> HeadError {
    match error {
        Syntax::TooManyHeaders => HeadError::TooManyFields,
        Syntax::Version => HeadError::Malformed("only HTTP/1.0 and HTTP/1.1 are spoken here"),
        Syntax::HeaderName | Syntax::HeaderValue => HeadError::Malformed("a header field is wrong"),
        Syntax::NewLine => HeadError::Malformed("a line does not end as it must"),
        Syntax::Token | Syntax::Status => HeadError::Malformed("there is no request line"),
    }
}

#[cfg(test)]
mod tests;
