//! What to push, and where to.

use std::sync::{Arc, atomic::AtomicU8};

use parking_lot::Mutex;
use protocol::Topic;

use super::sequences::Sequences;
use crate::settings::{
    addresses::HttpServers,
    phases::{Limit, Mode, Recipients},
};

/// Which messages go where.
#[derive(Clone)]
pub(crate) struct Order {
    /// The servers, taken in turn by the connections.
    pub servers: HttpServers,
    /// The key they ask for.
    pub key: Option<String>,
    /// How messages travel.
    pub mode: Mode,
    /// Connections, each with one request under way. A user's messages all go over the same one,
    /// since only those of one connection keep their order.
    pub connections: usize,
    /// Most messages in a request.
    pub batch: u64,
    /// Size of a message's data, in bytes.
    pub payload: usize,
    /// Whom messages are for.
    pub recipients: Recipients,
    /// The topic they are for, where they are for one.
    pub topic: Option<Topic>,
    /// What user ids begin with.
    pub user_prefix: String,
    /// The numbers of the users who are online.
    pub online: Arc<Vec<u32>>,
    /// Messages per second; 0 is as fast as possible.
    pub rate: f64,
    /// How many to send, or else for how long.
    pub limit: Limit,
    /// The number of the first message.
    pub first: u64,
    /// The run, as it stands in messages.
    pub run: u32,
    /// The numbers that messages of this run carry, over all its orders.
    pub sequences: Arc<Mutex<Sequences>>,
    /// The phase of the scenario, to be written into messages; 0 is none.
    pub phase: Arc<AtomicU8>,
}
