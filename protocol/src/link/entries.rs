//! The pushes in the body of a batch, one behind the other.

use super::{
    entry::{PushEntry, TargetRef},
    flags::EntryFlags,
    layout::EntryLayout,
    wire::{LinkError, Reader},
};
use crate::ids::MessageId;

/// The pushes in the body of a batch, in order. After an error the iterator ends.
#[derive(Debug)]
pub struct PushEntries<'a> {
    rest: Reader<'a>,
    layout: EntryLayout,
    skipped: u64,
}

impl<'a> PushEntries<'a> {
    /// Reads the body of a [`super::Down::Batch`].
    pub fn new(body: &'a [u8], layout: EntryLayout) -> Self {
        Self { rest: Reader(body), layout, skipped: 0 }
    }

    /// How many were passed over so far, because only a newer build knows what they mean.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    #[inline]
    fn read(&mut self) -> Result<Option<PushEntry<'a>>, LinkError> {
        match self.layout {
            EntryLayout::Bare => bare(&mut self.rest).map(Some),
            EntryLayout::Framed => {
                let length = self.rest.u32()?;
                framed(Reader(self.rest.bytes(length as usize)?))
            }
        }
    }
}

fn bare<'a>(reader: &mut Reader<'a>) -> Result<PushEntry<'a>, LinkError> {
    let receipt = reader.u8()? != 0;
    let (id, accepted_micros) = (MessageId(reader.uuid()?), reader.u64()?);
    let kind = reader.u8()?;
    let target = TargetRef::decode(kind, reader)?.ok_or(LinkError::UnknownKind(kind))?;
    let length = reader.u32()?;
    let frame = reader.bytes(length as usize)?;
    Ok(PushEntry { id, accepted_micros, receipt, target, frame })
}

/// `None` is a push that this build must not deliver.
#[inline]
fn framed(mut reader: Reader<'_>) -> Result<Option<PushEntry<'_>>, LinkError> {
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
    Ok(Some(PushEntry { id, accepted_micros, receipt, target, frame }))
}

impl<'a> Iterator for PushEntries<'a> {
    type Item = Result<PushEntry<'a>, LinkError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.read() {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => self.skipped += 1,
                Err(error) => {
                    self.rest = Reader(&[]);
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
