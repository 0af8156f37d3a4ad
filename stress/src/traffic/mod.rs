//! What is sent besides the sessions themselves: messages through pusher-api, and probes.

mod pace;
pub(crate) mod prober;
pub(crate) mod pusher;

pub(crate) use pace::Pace;
