//! Which gateway process is at the other end of a link.

use std::{net::SocketAddr, sync::Arc};

use uuid::Uuid;

/// What the gateway last connected to says of itself.
#[derive(Debug)]
pub(super) struct Peer {
    /// What it calls itself, or its address.
    pub(super) name: Arc<str>,
    /// The process.
    pub(super) instance: Option<Uuid>,
    /// Where the gateway has the link that is used, if this is another address of it.
    pub(super) alias_of: Option<SocketAddr>,
}

impl Peer {
    /// Nobody has been connected to at this address.
    pub(super) fn unknown(address: SocketAddr) -> Self {
        Self { name: address.to_string().into(), instance: None, alias_of: None }
    }

    /// Takes note of the gateway process; returns whether it is the one before.
    pub(super) fn become_process(&mut self, instance: Uuid, name: &str) -> bool {
        let same = self.instance == Some(instance);
        *self = Self { name: name.into(), instance: Some(instance), alias_of: None };
        same
    }
}
