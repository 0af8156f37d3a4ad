//! What is kept for a session's user: where the session is in the log ([`places`]), where its client was ([`cursors`]),
//! what events say of that ([`ids`]), what it hears of that at first ([`beginning`]), how it reads what it has not ([`reading`]), and what becomes of
//! pushes meanwhile ([`replay`], [`receiving`]). How far it is goes with it to another process ([`moving`]).
//!
//! A session is registered first, then reads the store, then lets live pushes through. A kept push says what stands
//! before it; where that is not what the session has, the log is read.

mod beginning;
mod cursors;
mod ids;
mod moving;
mod places;
mod reading;
mod receiving;
mod replay;

pub(super) use self::{
    beginning::{Subscribed, from_of},
    replay::Replay,
};
pub(crate) use self::{
    cursors::Cursors,
    ids::Listed,
    places::Places,
    reading::{Head, StoreBack},
};
