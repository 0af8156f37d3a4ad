//! What is done with the sessions. Every scenario opens them first and reports in the end.

mod display;
mod idle;
mod merge;
mod messages;
mod probe;
mod push;
mod run;
mod storm;

pub(crate) use {idle::idle, merge::merge, probe::probe, push::push, run::Trouble, storm::storm};
