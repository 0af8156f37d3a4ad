//! Clients' requests, [read](request), [answered](answers) and [refused] in bytes, without any machinery.

pub(crate) mod answers;
pub(crate) mod refused;
pub(crate) mod request;
