//! HTTP on any port: connections are [served](serve) by actix-web, problems become [answers](answer),
//! and what was read from a connection before comes first ([`begun`]).

pub(crate) mod answer;
pub(crate) mod begun;
pub(crate) mod serve;
