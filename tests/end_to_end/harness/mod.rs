//! Starts real processes on free ports, and the clients that talk to them.

pub mod client;
pub mod http;
pub mod metrics;
pub mod process;
pub mod servers;
pub mod tcp;
pub mod tokens;
pub mod wait;
pub mod websocket;
pub mod who;

pub use self::{
    client::{Client, Event},
    http::Http,
    process::Process,
    servers::{Gateway, PusherApi, pair},
    tcp::Tcp,
    wait::eventually,
    websocket::WebSocket,
    who::Who,
};
