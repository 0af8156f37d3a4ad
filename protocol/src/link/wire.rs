//! Reading and writing the primitives of link frames.

use bytes::BufMut;

/// Why bytes are no link frame. The connection cannot go on after it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The length announces more than [`super::MAX_FRAME_BYTES`].
    #[error("a frame of {0} bytes is above the limit")]
    TooLarge(usize),
    /// The frame ends before its content does.
    #[error("the frame ends early")]
    Truncated,
    /// A kind of target or change that this build does not know, where it cannot be passed over.
    #[error("unknown kind {0}")]
    UnknownKind(u8),
    /// Text that is not UTF-8, or JSON of the wrong shape.
    #[error("malformed body: {0}")]
    Malformed(String),
}

/// A cursor over the body of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], LinkError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(LinkError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], LinkError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(LinkError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, LinkError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, LinkError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, LinkError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, LinkError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn uuid(&mut self) -> Result<uuid::Uuid, LinkError> {
        self.array().map(uuid::Uuid::from_bytes)
    }

    /// A text of at most 255 bytes behind its length.
    pub(super) fn name(&mut self) -> Result<&'a str, LinkError> {
        let length = self.u8()?;
        let bytes = self.bytes(length.into())?;
        std::str::from_utf8(bytes).map_err(|error| LinkError::Malformed(error.to_string()))
    }
}

/// A name that meets the rules of names.
pub(super) fn valid<N: std::str::FromStr>(reader: &mut Reader<'_>) -> Result<N, LinkError>
where
    N::Err: std::fmt::Display,
{
    reader.name()?.parse().map_err(malformed)
}

/// What was read is of the wrong shape.
pub(super) fn malformed(error: impl std::fmt::Display) -> LinkError {
    LinkError::Malformed(error.to_string())
}

/// Writes a name of at most 255 bytes behind its length.
///
/// # Panics
/// If it is longer; names are checked where they enter the system.
pub(super) fn put_name(out: &mut impl BufMut, name: &str) {
    let length = u8::try_from(name.len()).expect("names are at most 128 bytes");
    out.put_u8(length);
    out.put_slice(name.as_bytes());
}
