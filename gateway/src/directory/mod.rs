//! Who is here: users and their sessions ([`registry`]), topics and their subscribers
//! ([`topics`]). The tables know an address and not what stands behind it.

pub(crate) mod registry;
pub(crate) mod topics;

mod tables;

pub(crate) use self::tables::Directory;
