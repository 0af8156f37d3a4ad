//! Pushes from a backend, sent in the background.
//!
//! A [`Client`] finishes the line of a [`Push`] and puts it into a queue. Each queue has a lane, which sends it batch
//! after batch by an exchange over its connection, and settles what the report says; what was refused for now, or may
//! have been lost, waits to be sent again, and holds back its recipient's later pushes. What is given up is told.

mod builder;

mod client;

mod lane;

mod shared;

mod settings;

mod again;

mod exchange;

mod connection;

mod target;

mod process;

mod queue;

mod message;

mod recipient;

mod report;

mod pauses;

mod counters;

mod given_up;

pub use self::{
    builder::{BuildError, Builder},
    client::{Client, NotQueued},
    counters::Counters,
    given_up::{GivenUp, Why},
    message::{Push, To},
    report::{Fate, Rejection, Report},
};
