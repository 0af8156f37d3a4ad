//! What operators see, on a port and a thread of their own: [`port`] answers ([`counting`] that), with
//! what the gateway's own sessions ([`probe`]) and a look at its [`memory`] tell of its [`readiness`];
//! [`foresight`] says at the start which limits will stop it. Orders are taken from who shows a key
//! ([`orders`]): to [`rebalance`].

mod counting;
pub(crate) mod foresight;
mod memory;
mod orders;
mod port;
pub(crate) mod probe;
mod readiness;
mod rebalance;
mod thread;

pub(crate) use self::thread::run_operators;
