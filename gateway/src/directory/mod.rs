//! Who is here: users and their sessions ([`registry`]), and how many are subscribed to which topic
//! ([`topics`]); and sessions that requests ask for ([`polls`]). The registry knows an address and not what stands behind it.

pub(crate) mod polls;
pub(crate) mod registry;
pub(crate) mod topics;

mod tables;

pub(crate) use self::tables::Directory;
