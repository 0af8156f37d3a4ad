//! Who may come in: who a client is ([`auth`]), whether there is room for it ([`admission`]), and
//! how many may be on their way ([`pending`]).

pub mod admission;
pub mod auth;
pub mod pending;
