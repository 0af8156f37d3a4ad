//! A worker: one thread, one epoll, and a share of the sessions.
//!
//! Commands come in as lines, which [`work`] obeys; [`waves`] says which session is next and
//! [`ramp`] opens it, [`intake`] serves the sockets, [`hearing`] counts what sessions say, [`departure`] closes sessions on purpose,
//! [`returns`] has those come back that are asked to, to other [`places`],
//! [`inside`] does TLS by what is [`secured`],
//! [`roll_call`] asks in the end who is still there, [`posting`] sends by [`posts`] what sessions say that have no other
//! way to say it, and what happened goes back as lines, by [`accounts`]. All of them work on a [`state`] and its
//! [`entry`]s.

mod accounts;
mod departure;
mod entry;
mod hearing;
mod inside;
mod intake;
mod places;
mod posting;
mod posts;
mod ramp;
mod returns;
mod roll_call;
mod secured;
mod state;
mod waves;
mod work;

pub(crate) use work::run;
