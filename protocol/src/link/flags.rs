//! The marks of a push in a batch.
//!
//! Sixteen bits, of which this build gives a meaning to two. Of the others the lower eight only add
//! something: who does not know one passes over it. The upper eight change what the push means: who
//! does not know one must not deliver the push, and skips it.

/// A receipt is wanted.
const RECEIPT: u16 = 1;
/// The name of a collapse key follows the frame.
const COLLAPSES: u16 = 2;
/// The bits that must be understood.
const ESSENTIAL: u16 = 0xff00;

/// The marks of one push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryFlags(pub(super) u16);

impl EntryFlags {
    pub(super) fn new(receipt: bool, collapses: bool) -> Self {
        Self((u16::from(receipt) * RECEIPT) | (u16::from(collapses) * COLLAPSES))
    }

    pub(super) fn wants_receipt(self) -> bool {
        self.0 & RECEIPT != 0
    }

    pub(super) fn collapses(self) -> bool {
        self.0 & COLLAPSES != 0
    }

    /// Whether the push means something else to those who know more.
    pub(super) fn is_beyond_this_build(self) -> bool {
        self.0 & ESSENTIAL != 0
    }
}
