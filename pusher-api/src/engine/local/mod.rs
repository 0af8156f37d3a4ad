//! The engine of one process: who is where is in memory, as the gateways report it over the links.
//!
//! A push comes to [`dispatch`], which asks [`route`] for its gateways, encodes it into a [`lane`]
//! of each that has room, and hands these to their [`link`]s. What the gateways report goes to [`presence`] and [`topics`].

pub(crate) mod engine;

pub(crate) mod dispatch;

mod backlog;
mod lane;

mod route;

pub(crate) mod link;

mod pairs;

pub(crate) mod topics;

pub(crate) mod presence;

#[cfg(test)]
mod tests;
