//! What crosses a process boundary, as plain values without any I/O.
//!
//! Clients and the gateway speak [`client_frame`] (towards the gateway) and [`server_frame`]
//! (towards the client), and a session ends with one of the reasons of [`close`]. pusher-api and
//! the gateways speak [`link`], whose pushes are addressed with [`push::Target`] and answered with
//! a [`receipt::Receipt`]; what is [`kept`] has a place in a log. Both HTTP servers take [`bearer`] credentials and report errors as a
//! [`problem::Problem`]; in development they take no [`foreign`] requests. What the gateway and its clients say in the same words has one home here:
//! the [`transport`]s, the [`claims`] of a token, the frames of a [`websocket`], the [`clock`].
//!
//! A module imports only what is declared after it.

pub mod client_frame;
pub mod server_frame;

pub mod link;
pub mod push;
pub mod receipt;

pub mod kept;

pub mod claims;
pub mod close;
pub mod topic_pattern;

pub mod ids;
pub mod transport;
pub mod websocket;

pub mod bearer;
pub mod clock;
pub mod foreign;
pub mod problem;

pub use close::CloseReason;
pub use ids::{Device, InvalidName, MessageId, SessionId, Topic, UserId};
pub use topic_pattern::TopicPattern;
pub use transport::Transport;
