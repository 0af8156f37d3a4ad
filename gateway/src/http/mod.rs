//! Clients' requests, [read](request) and [refused] in bytes, without any machinery.

pub(crate) mod refused;
pub(crate) mod request;
