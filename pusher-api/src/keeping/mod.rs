//! What pushes with a `ttl` are kept in.
//!
//! [`in_use`] says whether there is a store, and whether the gateways hold to it; [`any_store`] is the one that
//! was chosen. What is read from it goes to clients as [`frame`]s.

pub(crate) mod in_use;

pub(crate) mod any_store;

pub(crate) mod frame;
