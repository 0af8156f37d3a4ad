//! What crosses a process boundary, as plain values without any I/O.
//!
//! Clients and the gateway speak [`client_frame`] (towards the gateway) and [`server_frame`]
//! (towards the client), and a session ends with one of the reasons of [`close`]. pusher-api and
//! the gateways speak [`link`], whose pushes are addressed with [`push::Target`] and answered with
//! a [`receipt::Receipt`]. Both HTTP servers report errors as a [`problem::Problem`].

pub mod client_frame;
pub mod close;
pub mod ids;
pub mod link;
pub mod problem;
pub mod push;
pub mod receipt;
pub mod server_frame;

pub use close::CloseReason;
pub use ids::{Device, InvalidName, MessageId, SessionId, Topic, UserId};
