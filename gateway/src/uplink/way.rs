//! A link, told apart from others by where it is in memory.

use std::{fmt, sync::Arc};

use super::queue::LinkQueue;

/// The way to one pusher-api, for as long as its connection lasts.
#[derive(Clone)]
pub(crate) struct Way(pub Arc<LinkQueue>);

impl PartialEq for Way {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Way").field(&self.0.sender()).finish()
    }
}
