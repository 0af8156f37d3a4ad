//! The HTTP API: every route, what stands in front of it, and its problems.

pub(crate) mod door;

pub(crate) mod routes;

mod auth;
mod development;
mod query;

mod openapi;

mod batch;
mod push;
mod receipt;

mod behind;
mod report;

mod subscriptions;
mod topics;
mod users;

mod kept;

mod questions;

mod operators;
mod page;

mod body;

mod problem;

#[cfg(test)]
mod tests;
