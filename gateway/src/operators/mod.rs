//! What operators see, on a port and a thread of their own: [`port`] answers ([`counting`] that), with
//! what the gateway's own sessions ([`probe`]) and a look at its [`memory`] tell of its [`readiness`];
//! [`foresight`] says at the start which limits will stop it.

mod counting;
pub(crate) mod foresight;
mod memory;
mod port;
pub(crate) mod probe;
mod readiness;
mod thread;

pub(crate) use self::thread::run_operators;
