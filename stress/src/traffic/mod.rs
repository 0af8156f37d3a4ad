//! What is sent besides the sessions themselves: messages through pusher-api, and probes.

pub(crate) mod pace;
pub(crate) mod prober;
pub(crate) mod pusher;
