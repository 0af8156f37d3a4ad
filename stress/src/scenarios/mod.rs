//! What is done with the sessions. Every scenario opens them first and reports in the end: that is
//! a [`run`], to which each adds what it is about.

mod display;
mod idle;
mod merge;
mod messages;
mod output;
mod probe;
mod push;
mod returning;
mod run;
mod storm;
mod trouble;

pub(crate) use {
    idle::idle, merge::merge, probe::probe, push::push, storm::storm, trouble::Trouble,
};
