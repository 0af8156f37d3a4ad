//! Long poll, and the HTTP around it.

mod answers;
mod connections;
mod endings;
mod other_gateways;
