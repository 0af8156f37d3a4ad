//! A session of a user's device: hears what is pushed, over WebSockets, lines, server-sent events or long polls.
//!
//! ```no_run
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use holdfast_client::session::{Event, Said, Server, Session};
//!
//! let server = Server::new("ws://127.0.0.1:8080", None)?;
//! let mut session = Session::builder(server).user("demo").acknowledging().build();
//! loop {
//!     match session.next(Duration::from_secs(1)) {
//!         Some(Event::Frame(frame)) => {
//!             if let Some(Said::Push { data, .. }) = frame.said() {
//!                 println!("{data:?}");
//!             }
//!         }
//!         Some(Event::Ended(why)) => return Err(why.to_string().into()),
//!         Some(_) | None => {}
//!     }
//! }
//! # }
//! ```
//!
//! It blocks the thread that asks it, and has none of its own. A connection is a visit, from its opening to its end, by a
//! channel; what it says is written, or posted where there is no way up. A parting says why it ended and when
//! to come back; its places are how far it has what is kept.

mod holder;

mod visit;

mod posting;

mod visitor;

mod event;

mod parting;

mod pauses;

mod places;

mod server;

mod channel;

pub use client::Kind;
pub use protocol::Transport;

pub use self::{
    channel::Tls,
    event::{Data, Ended, Event, Frame, Said},
    holder::{Builder, Session},
    parting::Explanation,
    places::Begin,
    server::{InvalidUrl, Server},
};
