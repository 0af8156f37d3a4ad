//! How pushes stand in a batch, one behind the other.
//!
//! In a [`EntryLayout::Framed`] batch each push says how long it is:
//!
//! ```text
//! length u32 │ flags u16 │ id 16 bytes │ accepted u64 │ target │ length u32, frame │ later fields
//! ```
//!
//! so that a reader passes over one whose target or flags it does not know, and over what a newer
//! build appends. [`EntryLayout::Bare`] is what version 1 spoke: a byte that is 1 where a receipt
//! is wanted, id, time, target, frame; one unknown byte there ends the link.

/// How pushes stand in batches; see [`super::Terms::entries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryLayout {
    /// One behind the other, without length and flags.
    Bare,
    /// Each behind its length and flags.
    Framed,
}
