//! HTTP on any port: connections are [served](serve) by actix-web, problems become [answers](answer),
//! and what was read from a connection before comes first ([`begun`]).

pub mod answer;
pub mod begun;
pub mod serve;
