//! Who is here: users and their sessions ([`registry`]), topics and their subscribers
//! ([`topics`]). The tables know an address and not what stands behind it.

pub mod registry;
pub mod topics;

mod tables;

pub use self::tables::Directory;
