//! What every store must do, tried by random sequences of what is asked of one.
//!
//! [`operation`] says what may be asked, [`run`] makes sequences and shortens those that fail, [`trial`] asks a store
//! and holds its answers against a [`reference`] of each log, and [`follower`]s hear of what is appended as sessions
//! do: late, or never. What a store may answer in two ways leaves two [`worlds`]. A test gives a [`subject`] for its
//! kind of store.
//!
//! Places are opaque here: they are compared, their numbers are within one log, and otherwise `Step::seen_from` is
//! asked.

mod follower;
mod operation;
mod places;
mod pushes;
mod reads;
mod reference;
mod run;
mod subject;
mod trial;
mod worlds;

pub(crate) use run::run;
#[allow(unused_imports, reason = "for stores with other limits")]
pub(crate) use subject::Most;
pub(crate) use subject::{Limits, Subject};
