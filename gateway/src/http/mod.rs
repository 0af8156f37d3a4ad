//! HTTP on any port. Clients' requests are [read](request) and [refused] in bytes, without any
//! machinery. On the operators' port connections are [served](serve) by actix-web, problems become
//! [answers](answer), and what was read from a connection before comes first ([`begun`]).

pub(crate) mod answer;
pub(crate) mod begun;
pub(crate) mod refused;
pub(crate) mod request;
pub(crate) mod serve;
