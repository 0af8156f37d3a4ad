//! For whom live pushes were given up while their gateway could not be reached.

use serde::{Deserialize, Serialize};

use crate::ids::{Topic, UserId};

/// Most names one frame holds; beyond them it says everybody.
pub const MAX_NAMES: usize = 10_000;

/// Users and topics of whose pushes at least one was given up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GivenUp {
    /// Users.
    pub users: Vec<UserId>,
    /// Topics.
    pub topics: Vec<Topic>,
    /// There were too many to name, or a push to everybody was among them.
    pub everybody: bool,
}
