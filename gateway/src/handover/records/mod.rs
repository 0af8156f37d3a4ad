//! What is given, as records: JSON objects. A field that a record does not have stands for what was so before
//! there was that field. A field that is not known here refuses the record, and with it the takeover: the process
//! that wrote it goes on. Times are milliseconds from now, whatever counts them.
//!
//! A [`session`] names [`frames`] that wait for it and [`logs`] that it is reading; an [`arrival`] is a connection that
//! is none; a [`process`] is what is known beside them.

mod arrival;
mod frames;
mod logs;
mod process;
mod session;

mod field;

pub(crate) use self::{
    arrival::{ArrivalRecord, PortRecord, ProgressRecord},
    field::{RECORDS, read, written},
    frames::{
        ChunkRecord, FrameRecord, IncomingRecord, KeptRecord, QueueRecord, ScopeRecord,
        WaitingRecord,
    },
    logs::{FromRecord, PhaseRecord, ReplayRecord},
    process::{AcknowledgedRecord, ListenerRecord, ProcessRecord},
    session::{PollerRecord, SessionRecord, SignRecord, StageRecord},
};
pub(crate) use super::bytes::Bytes;

#[cfg(test)]
mod tests;
