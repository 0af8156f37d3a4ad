//! The pushes in the body of a batch, one behind the other.

use super::{
    entry::PushEntry,
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
    skipped_receipts: Vec<MessageId>,
}

impl<'a> PushEntries<'a> {
    /// Reads the body of a [`super::Down::Batch`].
    pub fn new(body: &'a [u8], layout: EntryLayout) -> Self {
        Self { rest: Reader(body), layout, skipped: 0, skipped_receipts: Vec::new() }
    }

    /// How many were passed over so far, because only a newer build knows what they mean.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Which of them wanted a receipt.
    pub fn skipped_receipts(&self) -> &[MessageId] {
        &self.skipped_receipts
    }

    #[inline]
    fn read(&mut self) -> Result<Option<PushEntry<'a>>, LinkError> {
        match self.layout {
            EntryLayout::Bare => PushEntry::decode_bare(&mut self.rest).map(Some),
            EntryLayout::Framed => {
                let length = self.rest.u32()?;
                let entry = Reader(self.rest.bytes(length as usize)?);
                let read = PushEntry::decode_framed(entry)?;
                if read.is_none() {
                    self.skipped_receipts.extend(PushEntry::wanted_receipt(entry));
                }
                Ok(read)
            }
        }
    }
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
