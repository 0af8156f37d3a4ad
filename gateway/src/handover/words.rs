//! What the two processes say to each other, in this order:
//!
//! ```text
//! gives (the older)              takes (the newer)
//! Challenge                      Hello       who it is, what it can read, how much room it has
//! Welcome, or Refused            Begin       it is willing; from here the older one stands still
//! Process, Listeners, Batch …    Had …       one for each batch
//! All                            Ready       everything was read and understood
//! Take                           Taken       from here everything is the newer one's
//! ```
//!
//! Until `Taken` is written everything is the older one's, which goes on if the newer one ends, refuses, or does
//! not answer in time: it says `Abandoned`, lets nothing more be written to it, and looks whether `Taken` is there
//! all the same. If the older one ends without `Abandoned`, what it has given has nobody else: the newer one takes it.

use serde::{Deserialize, Serialize};

use super::records::{ArrivalRecord, FrameRecord, ListenerRecord, ProcessRecord, SessionRecord};

/// Sessions and connections that travel together, and frames that they are the first to name. The descriptors come
/// in the order of the records that have one, sessions first.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// Frames.
    pub frames: Vec<FrameRecord>,
    /// Sessions.
    pub sessions: Vec<SessionRecord>,
    /// Connections that are none.
    pub arrivals: Vec<ArrivalRecord>,
}

/// What the older process says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Given {
    /// Prove that you know the link secret.
    Challenge {
        /// What is to be proved with.
        nonce: String,
        /// The version of its records.
        records: u32,
    },
    /// Nothing is given, for this reason.
    Refused(String),
    /// You may have everything.
    Welcome {
        /// That this side knows the secret, too; nothing where there is none.
        proof: Option<String>,
        /// How many sessions there are about.
        sessions: usize,
        /// How many descriptors.
        descriptors: usize,
    },
    /// What the process knows.
    Process(Box<ProcessRecord>),
    /// Its listeners, each with a descriptor.
    Listeners(Vec<ListenerRecord>),
    /// Some of what it holds.
    Batch(Batch),
    /// That was all: so many sessions and connections.
    All {
        /// Sessions.
        sessions: usize,
        /// Connections that are none.
        arrivals: usize,
    },
    /// It is yours, if you say so.
    Take,
    /// Nothing is yours, for this reason.
    Abandoned(String),
}

/// What the newer process says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Taking {
    /// Who asks.
    Hello {
        /// What the other side is to prove with.
        nonce: String,
        /// A proof by each link secret it has.
        proofs: Vec<String>,
        /// The version of records that it reads.
        records: u32,
        /// How many sessions it has room for.
        sessions: usize,
        /// How many descriptors.
        descriptors: usize,
    },
    /// Give.
    Begin,
    /// The batch was read.
    Had,
    /// Everything was.
    Ready,
    /// Everything is here.
    Taken,
    /// Nothing is taken, for this reason.
    Refused(String),
}
