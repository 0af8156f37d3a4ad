//! Who may come in: who a client is ([`auth`]), whether there is room for it ([`admission`]), and
//! how many may be on their way ([`pending`]).

pub(crate) mod admission;
pub(crate) mod auth;
pub(crate) mod pending;
