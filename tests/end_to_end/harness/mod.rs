//! Starts real processes on free ports, and the clients that talk to them.

pub(crate) mod client;
pub(crate) mod cutter;
pub(crate) mod example;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod key_server;
pub(crate) mod metrics;
pub(crate) mod namespace;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod servers;
pub(crate) mod sse;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod tunnel;
pub(crate) mod wait;
pub(crate) mod way_up;
pub(crate) mod websocket;
pub(crate) mod who;

pub(crate) use self::{
    client::{Client, Event},
    example::example,
    http::Http,
    poll::Poll,
    process::Process,
    servers::{Gateway, PusherApi, pair},
    sse::Sse,
    tcp::Tcp,
    wait::eventually,
    websocket::WebSocket,
    who::Who,
};
