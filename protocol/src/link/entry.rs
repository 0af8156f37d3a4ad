//! Pushes inside a `Batch`: encoded by pusher-api as they are accepted, read by the gateway
//! without copying.

use bytes::BufMut;

use super::wire::{LinkError, Reader, put_name};
use crate::ids::MessageId;

const USER: u8 = 0;
const USERS: u8 = 1;
const TOPIC: u8 = 2;
const ALL: u8 = 3;

/// One push on its way to one gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushEntry<'a> {
    /// The message.
    pub id: MessageId,
    /// When pusher-api accepted it: microseconds since the Unix epoch.
    pub accepted_micros: u64,
    /// Whether a `Receipt` is wanted.
    pub receipt: bool,
    /// Who it is for.
    pub target: TargetRef<'a>,
    /// The JSON frame that clients receive, see [`crate::server_frame::push`].
    pub frame: &'a [u8],
}

/// Who a push is for, in borrowed form. The texts were checked by the sender; a receiver that
/// finds no session of that name simply delivers nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetRef<'a> {
    /// Every session of one user.
    User(&'a str),
    /// Every session of several users, at most 65,535.
    Users(Vec<&'a str>),
    /// Every session subscribed to a topic.
    Topic(&'a str),
    /// Every session there is.
    All,
}

impl PushEntry<'_> {
    /// Appends the entry to the body of a batch.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_u8(self.receipt.into());
        out.put_slice(self.id.0.as_bytes());
        out.put_u64_le(self.accepted_micros);
        match &self.target {
            TargetRef::User(user) => {
                out.put_u8(USER);
                put_name(out, user);
            }
            TargetRef::Users(users) => {
                out.put_u8(USERS);
                out.put_u16_le(u16::try_from(users.len()).expect("at most 10,000 users"));
                users.iter().for_each(|user| put_name(out, user));
            }
            TargetRef::Topic(topic) => {
                out.put_u8(TOPIC);
                put_name(out, topic);
            }
            TargetRef::All => out.put_u8(ALL),
        }
        out.put_u32_le(u32::try_from(self.frame.len()).expect("frames are at most some 64 KiB"));
        out.put_slice(self.frame);
    }
}

/// The pushes in the body of a batch, in order. After an error the iterator ends.
#[derive(Debug)]
pub struct PushEntries<'a>(Reader<'a>);

impl<'a> PushEntries<'a> {
    /// Reads the body of a [`super::Down::Batch`].
    pub fn new(body: &'a [u8]) -> Self {
        Self(Reader(body))
    }

    fn read(&mut self) -> Result<PushEntry<'a>, LinkError> {
        let reader = &mut self.0;
        let receipt = reader.u8()? != 0;
        let id = MessageId(reader.uuid()?);
        let accepted_micros = reader.u64()?;
        let target = match reader.u8()? {
            USER => TargetRef::User(reader.name()?),
            USERS => {
                let count = reader.u16()?;
                TargetRef::Users((0..count).map(|_| reader.name()).collect::<Result<_, _>>()?)
            }
            TOPIC => TargetRef::Topic(reader.name()?),
            ALL => TargetRef::All,
            unknown => return Err(LinkError::UnknownKind(unknown)),
        };
        let length = reader.u32()?;
        let frame = reader.bytes(length as usize)?;
        Ok(PushEntry { id, accepted_micros, receipt, target, frame })
    }
}

impl<'a> Iterator for PushEntries<'a> {
    type Item = Result<PushEntry<'a>, LinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let entry = self.read();
        if entry.is_err() {
            self.0 = Reader(&[]);
        }
        Some(entry)
    }
}
