//! One push inside a `Batch`: encoded by pusher-api as it is accepted, read by the gateway
//! without copying.

use bytes::BufMut;

use super::{
    flags::EntryFlags,
    layout::EntryLayout,
    store_question::{place, put_place},
    wire::{LinkError, Reader, put_name},
};
use crate::{ids::MessageId, kept::Step};

const USER: u8 = 0;
const USERS: u8 = 1;
const TOPIC: u8 = 2;
const ALL: u8 = 3;
const KEPT_USERS: u8 = 4;
const KEPT_TOPIC: u8 = 5;

/// Flags, id, time, and the length of the client's frame.
const FIXED_BYTES: usize = 2 + 16 + 8 + 4;
/// Two places.
const STEP_BYTES: usize = 2 * 12;

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
    /// It takes the place of what waits for the same sessions under the same key, where they are slow. Older builds
    /// pass over it, and [`EntryLayout::Bare`] has no room for it.
    pub collapse_key: Option<&'a str>,
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
    /// Every session of several users, in whose logs it was kept at these places. The frame goes up to its cursor, see
    /// [`crate::server_frame::kept_push`].
    KeptUsers(Vec<(&'a str, Step)>),
    /// Every session subscribed to a topic, in whose log it was kept; likewise.
    KeptTopic(&'a str, Step),
}

impl<'a> TargetRef<'a> {
    /// How many bytes [`Self::encode`] appends.
    fn encoded_length(&self) -> usize {
        1 + match self {
            Self::User(name) | Self::Topic(name) => 1 + name.len(),
            Self::Users(names) => 2 + names.iter().map(|name| 1 + name.len()).sum::<usize>(),
            Self::All => 0,
            Self::KeptUsers(users) => {
                2 + users.iter().map(|(name, _)| 1 + name.len() + STEP_BYTES).sum::<usize>()
            }
            Self::KeptTopic(name, _) => 1 + name.len() + STEP_BYTES,
        }
    }

    fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::User(user) => {
                out.put_u8(USER);
                put_name(out, user);
            }
            Self::Users(users) => {
                out.put_u8(USERS);
                out.put_u16_le(u16::try_from(users.len()).expect("at most 10,000 users"));
                users.iter().for_each(|user| put_name(out, user));
            }
            Self::Topic(topic) => {
                out.put_u8(TOPIC);
                put_name(out, topic);
            }
            Self::All => out.put_u8(ALL),
            Self::KeptUsers(users) => {
                out.put_u8(KEPT_USERS);
                out.put_u16_le(u16::try_from(users.len()).expect("at most 10,000 users"));
                users.iter().for_each(|(user, step)| put_kept(out, user, *step));
            }
            Self::KeptTopic(topic, step) => {
                out.put_u8(KEPT_TOPIC);
                put_kept(out, topic, *step);
            }
        }
    }

    /// Reads what follows the kind; `None` if this build does not know it.
    #[inline]
    fn decode(kind: u8, reader: &mut Reader<'a>) -> Result<Option<Self>, LinkError> {
        Ok(Some(match kind {
            USER => Self::User(reader.name()?),
            USERS => {
                let count = reader.u16()?;
                Self::Users((0..count).map(|_| reader.name()).collect::<Result<_, _>>()?)
            }
            TOPIC => Self::Topic(reader.name()?),
            ALL => Self::All,
            KEPT_USERS => {
                let count = reader.u16()?;
                Self::KeptUsers((0..count).map(|_| kept(reader)).collect::<Result<_, _>>()?)
            }
            KEPT_TOPIC => {
                let (topic, step) = kept(reader)?;
                Self::KeptTopic(topic, step)
            }
            _ => return Ok(None),
        }))
    }
}

fn put_kept(out: &mut impl BufMut, name: &str, step: Step) {
    put_name(out, name);
    put_place(out, step.before);
    put_place(out, step.place);
}

fn kept<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, Step), LinkError> {
    Ok((reader.name()?, Step { before: place(reader)?, place: place(reader)? }))
}

impl PushEntry<'_> {
    /// Appends the entry to the body of a batch of this layout.
    pub fn encode(&self, layout: EntryLayout, out: &mut impl BufMut) {
        match layout {
            EntryLayout::Bare => out.put_u8(self.receipt.into()),
            EntryLayout::Framed => out.put_slice(&self.length_and_flags()),
        }
        out.put_slice(self.id.0.as_bytes());
        out.put_u64_le(self.accepted_micros);
        self.target.encode(out);
        out.put_u32_le(u32::try_from(self.frame.len()).expect("frames are at most some 64 KiB"));
        out.put_slice(self.frame);
        if let (EntryLayout::Framed, Some(key)) = (layout, self.collapse_key) {
            put_name(out, key);
        }
    }

    fn length_and_flags(&self) -> [u8; 6] {
        let key = self.collapse_key.map_or(0, |key| 1 + key.len());
        let length = FIXED_BYTES + self.target.encoded_length() + self.frame.len() + key;
        let [a, b, c, d] =
            u32::try_from(length).expect("entries are at most some 2 MiB").to_le_bytes();
        let [low, high] =
            EntryFlags::new(self.receipt, self.collapse_key.is_some()).0.to_le_bytes();
        [a, b, c, d, low, high]
    }
}

impl<'a> PushEntry<'a> {
    /// Reads an entry of [`EntryLayout::Bare`].
    pub(super) fn decode_bare(reader: &mut Reader<'a>) -> Result<Self, LinkError> {
        let receipt = reader.u8()? != 0;
        let (id, accepted_micros) = (MessageId(reader.uuid()?), reader.u64()?);
        let kind = reader.u8()?;
        let target = TargetRef::decode(kind, reader)?.ok_or(LinkError::UnknownKind(kind))?;
        let length = reader.u32()?;
        let frame = reader.bytes(length as usize)?;
        Ok(Self { id, accepted_micros, receipt, target, frame, collapse_key: None })
    }

    /// The id of an entry that was not understood, if it wants a receipt: flags and id stand first
    /// in whatever a newer build writes.
    pub(super) fn wanted_receipt(mut reader: Reader<'_>) -> Option<MessageId> {
        let flags = EntryFlags(reader.u16().ok()?);
        flags.wants_receipt().then(|| reader.uuid().ok().map(MessageId)).flatten()
    }

    /// Reads an entry of [`EntryLayout::Framed`] behind its length; `None` is a push that this
    /// build must not deliver.
    #[inline]
    pub(super) fn decode_framed(mut reader: Reader<'a>) -> Result<Option<Self>, LinkError> {
        let flags = EntryFlags(reader.u16()?);
        if flags.is_beyond_this_build() {
            return Ok(None);
        }
        // Read in one go: each read of its own costs a check of what is left.
        let head: [u8; 24] = reader.array()?;
        let mut head = Reader(&head);
        let (id, accepted_micros) = (MessageId(head.uuid()?), head.u64()?);
        let Some(target) = TargetRef::decode(reader.u8()?, &mut reader)? else { return Ok(None) };
        let length = reader.u32()?;
        let frame = reader.bytes(length as usize)?;
        let receipt = flags.wants_receipt();
        let collapse_key = flags.collapses().then(|| reader.name()).transpose()?;
        Ok(Some(Self { id, accepted_micros, receipt, target, frame, collapse_key }))
    }
}
