//! Clients' requests, [read](request), [answered](answers) and [refused] in bytes, without any machinery;
//! for whom they are [forwarded], and where that [client](client_address) is.

pub(crate) mod answers;
pub(crate) mod forwarded;
pub(crate) mod refused;
pub(crate) mod request;

pub(crate) mod client_address;
