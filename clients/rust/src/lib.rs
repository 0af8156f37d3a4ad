//! Clients of Holdfast, a push gateway that holds clients' connections.
//!
//! | feature | |
//! |---|---|
//! | `push` (default) | [`Client`]: pushes from a backend that runs on tokio |
//! | `blocking` | `blocking::Client`: the same from a program without tokio |
//! | `session` | [`session`]: a user's device, which hears what is pushed; needs no tokio |
//!
//! # Pushing
//!
//! [`Client::push`] never waits. It queues the push in memory and returns; what is queued is sent in the background, many
//! pushes in a request, and repeated where that is safe.
//!
//! ```no_run
//! # #[cfg(feature = "push")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use holdfast_client::{Client, Push, To};
//!
//! let client = Client::builder("http://127.0.0.1:8090")
//!     .on_given_up(|given_up| eprintln!("{}: {}", given_up.id, given_up.why))
//!     .build()?;
//! // For sessions that are online now.
//! client.push(Push::json(To::User("demo"), &"hello")?)?;
//! // Kept for a day, until it was acknowledged.
//! let day = Duration::from_secs(24 * 60 * 60);
//! client.push(Push::json(To::User("demo"), &"while you were away")?.ttl(day))?;
//! let counters = client.close().await;
//! assert_eq!(counters.accepted + counters.given_up, counters.queued);
//! # Ok(())
//! # }
//! ```
//!
//! What may be relied upon:
//!
//! - **Every push has one fate.** It is accepted, or it is given up and told once ([`Builder::on_given_up`]) with a
//!   reason. [`Counters::queued`] is what was accepted, given up and waits.
//! - **Memory is bounded.** Beyond [`Builder::queue`] a push is not taken, which [`Client::push`] says
//!   ([`NotQueued::Full`]) and [`Counters::full`] counts.
//! - **A push with a `ttl` is repeated under its id** until pusher-api has answered, as long as its `ttl` and
//!   [`Builder::give_up_after`] allow. Its store remembers ids for five minutes: a repetition within that time is the same
//!   push, wherever it is sent. One that was sent without an answer, and can be repeated only later, may arrive twice
//!   ([`Counters::retried_late`]).
//! - **A push without one is never delivered twice.** Only the process that took it knows its id, so it is repeated to
//!   that process only, and only as long as that remembers it. Where the process is gone it is given up as
//!   [`Why::Unknown`]. One that was certainly never taken is sent to any process, for [`Builder::live_for`].
//! - **Each recipient's pushes arrive in their order**, also those that had to be repeated. Others are not held back.
//! - **What pusher-api refuses is not repeated**: a field that is wrong, an API key that is not known, and also a store
//!   that is full (507). Only 503 is tried again, after the time it asks for and with jitter.
//!
//! `ttl` counts from when pusher-api accepts the push, not from when it was queued.

#![deny(missing_docs)]

#[cfg(feature = "blocking")]
pub mod blocking;

#[cfg(feature = "push")]
mod push;

#[cfg(feature = "session")]
pub mod session;

#[cfg(any(feature = "push", feature = "session"))]
mod tls;

#[cfg(feature = "push")]
pub use self::push::{BuildError, Builder, Client, Counters, GivenUp, NotQueued, Push, To, Why};

/// What fuzz targets reach into. Not a promise.
#[cfg(feature = "push")]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::push::{Fate, Rejection, Report};
}
