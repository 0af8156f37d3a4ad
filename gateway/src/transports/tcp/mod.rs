//! The TCP transport: [`line`] finds the frames, [`connect`] is the handshake.

pub mod connect;
pub mod line;
