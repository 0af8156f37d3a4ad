//! What gateway and pusher-api serve in the same way: a [`problem`] becomes a response, and
//! [`metrics`] are registered and shown.

pub mod metrics;
pub mod problem;
