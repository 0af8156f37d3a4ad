//! What is counted and measured during a run.

mod distribution;
pub(crate) mod machine;
mod probed;
mod storm;
mod tally;
mod timeline;
mod watch;

pub(crate) use {
    distribution::{Distribution, Quantiles},
    probed::Probed,
    storm::{Moment, Reading, Storm},
    tally::{Arrivals, Deliveries, Spread, Tally, add},
    timeline::{Gateways, Point, Timeline, combine},
    watch::Watch,
};
