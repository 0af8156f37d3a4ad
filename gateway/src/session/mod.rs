//! A session: one connected client, one actix actor, almost nothing while it is idle.
//!
//! [`opening`] starts it, with what the sessions of its thread share ([`local`]) and its place in
//! the gateway's tables ([`membership`]). [`context`] runs the actor without a context of actix's
//! size; its [`state`] moves on by what the [`socket`] brings ([`io`], [`inbound`]) or its client posts
//! ([`posted`]), by the requests of one who asks ([`polling`], [`poller`]), which wait for a [`reply`], by what
//! other parts of the gateway ask of it ([`mailbox`], [`topics`]), and by time
//! ([`deadlines`], [`age`]). What is [`kept`] for its user it reads from the store. Frames leave by [`outbound`], or wait in a [`queue`]; [`closing`] ends it. What it
//! may send is its [`allowance`]; where it is that came through a proxy is among its thread's [`addresses`]; what it holds of memory is a [`holding`] among its thread's
//! [`holdings`], and whoever holds too much is given up for [`relief`]. To another process it goes as a record ([`moving`]).

mod addresses;
mod age;
mod allowance;
mod closing;
mod context;
mod deadlines;
mod holding;
mod holdings;
mod inbound;
mod io;
mod kept;
mod local;
mod mailbox;
mod membership;
mod moving;
mod opening;
mod outbound;
mod poller;
mod polling;
mod posted;
mod queue;
mod relief;
mod reply;
mod socket;
mod state;
mod topics;

pub use self::posted::frames;
pub(crate) use self::{
    age::Idleness,
    context::{After, Runner, SessionContext},
    kept::{Cursors, Head, StoreBack},
    mailbox::{Close, Describe, Subscription, Topical},
    moving::Resumed,
    opening::{Client, Joining},
    polling::{Abandoned, Polled, expired},
    posted::{Posted, not_here},
    relief::GivenUp,
    reply::{Answer, Reply, Said, Verdict},
    state::{Address, Directory, Local, Session, Shared},
};

#[cfg(test)]
mod tests;
