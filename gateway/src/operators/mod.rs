//! What operators see, on a port and a thread of their own: [`port`] answers, with what the gateway's
//! own sessions ([`probe`]) and a look at its [`memory`] tell; [`foresight`] says at the start which
//! limits will stop it.

pub mod foresight;
mod memory;
mod port;
pub mod probe;
mod thread;

pub use self::thread::run_operators;
