//! A gateway process takes the place of another one, and nobody notices: listeners, sessions and what is known of
//! pusher-apis go over a Unix socket from the [`predecessor`] to the [`successor`], which is [`asking`] for them, or
//! says why not ([`refusal`]), and then has its workers [take them up](taking_up). What is said is in `handover`;
//! what a worker does of it, in `worker`. See docs/decisions/takeover.md.

pub(crate) mod asking;
pub(crate) mod predecessor;
pub(crate) mod successor;

mod process;
pub(crate) mod refusal;
mod taking_up;
