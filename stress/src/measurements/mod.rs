//! What is counted and measured during a run.
//!
//! A worker counts in a [`Tally`]; of time there are [`Distribution`]s and spans. A [`Watch`]
//! asks the gateways, whose [`exposition`] is read, and a [`Timeline`] keeps what was seen
//! meanwhile.

mod arrivals;
mod combined;
mod deliveries;
mod distribution;
mod exposition;
mod gateways;
pub(crate) mod machine;
mod point;
mod probed;
mod quantiles;
mod span;
mod storm;
mod sum;
mod tally;
mod timeline;
mod watch;

pub(crate) use {
    arrivals::Arrivals,
    combined::combine,
    deliveries::{Deliveries, Spread},
    distribution::Distribution,
    point::Point,
    probed::Probed,
    quantiles::Quantiles,
    storm::{Moment, Reading, Storm},
    sum::add,
    tally::Tally,
    timeline::Timeline,
    watch::Watch,
};
