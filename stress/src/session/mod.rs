//! One session of many, as this client owns it.
//!
//! What a client says and hears is the crate `client`'s; here is who its sessions are: an
//! [`identity`], which an [`opening`] makes credentials of. A [`socket`] connects, perhaps from one of
//! the [`ports`] that are chosen here, [`tls`] may be around it; what else is asked is a [`request`] on a [`stream`]. A [`stamp`] says what was sent when, and there may be a [`failure`]. None but the socket and those two do any I/O.

pub(crate) mod failure;
pub(crate) mod identity;
pub(crate) mod opening;
pub(crate) mod ports;
pub(crate) mod request;
pub(crate) mod socket;
pub(crate) mod stamp;
pub(crate) mod stream;
pub(crate) mod tls;
