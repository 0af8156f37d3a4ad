//! How far the clocks of linked pusher-apis are from ours.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use prometheus::{Gauge, GaugeVec, Opts};
use serving::metrics::Registrar;

const LABELS: [&str; 1] = ["pusher_api"];

/// Gauges of every link, there for as long as it is.
#[derive(Clone)]
pub(crate) struct LinkClocks {
    offset: GaugeVec,
    round_trip: GaugeVec,
    /// What the links are called. No more than there may be links at once.
    names: Arc<Mutex<BTreeSet<String>>>,
}

impl LinkClocks {
    pub(super) fn new(make: &Registrar) -> Self {
        let gauges =
            |name: &str, help: &str| make.keep(GaugeVec::new(Opts::new(name, help), &LABELS));
        Self {
            offset: gauges(
                "holdfast_link_clock_offset_seconds",
                "By how much the pusher-api's clock is before this host's; NaN while not known",
            ),
            round_trip: gauges(
                "holdfast_link_round_trip_seconds",
                "Time there and back in the exchange that the offset is from",
            ),
            names: Arc::default(),
        }
    }

    /// The gauges of a link to this address, which show that nothing is known. They are called by the
    /// address, and by a number behind it where it has more than one link.
    pub(crate) fn enter(&self, peer: IpAddr) -> LinkClock {
        let mut names = self.names.lock();
        let numbered = (2_u32..).map(|number| format!("{peer} #{number}"));
        let mut free = std::iter::once(peer.to_string()).chain(numbered);
        let name = free.find(|name| !names.contains(name)).unwrap_or_default();
        names.insert(name.clone());
        let (offset, round_trip) = (
            self.offset.with_label_values(&[name.as_str()]),
            self.round_trip.with_label_values(&[name.as_str()]),
        );
        drop(names);
        let link = LinkClock { name, offset, round_trip, clocks: self.clone() };
        link.show(None);
        link
    }
}

/// The gauges of one link; they go with it.
pub(crate) struct LinkClock {
    name: String,
    offset: Gauge,
    round_trip: Gauge,
    clocks: LinkClocks,
}

impl LinkClock {
    /// Shows offset and round trip, in microseconds.
    pub(crate) fn show(&self, known: Option<(i64, u64)>) {
        let seconds = |micros: f64| micros / 1e6;
        let (offset, round_trip) = known.map_or((f64::NAN, f64::NAN), |(offset, round_trip)| {
            (seconds(offset as f64), seconds(round_trip as f64))
        });
        self.offset.set(offset);
        self.round_trip.set(round_trip);
    }
}

impl Drop for LinkClock {
    fn drop(&mut self) {
        let mut names = self.clocks.names.lock();
        // They were made with the link.
        let _ = self.clocks.offset.remove_label_values(&[self.name.as_str()]);
        let _ = self.clocks.round_trip.remove_label_values(&[self.name.as_str()]);
        names.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn each_link_has_its_gauges_and_takes_them_along() {
        let registrar = Registrar::default();
        let clocks = LinkClocks::new(&registrar);
        let shown = || {
            let text = String::from_utf8(registrar.text()).expect("text");
            let lines = text.lines().filter_map(|line| {
                line.strip_prefix("holdfast_link_clock_offset_seconds{pusher_api=")
            });
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let peer = IpAddr::from(Ipv4Addr::LOCALHOST);
        let (first, second) = (clocks.enter(peer), clocks.enter(peer));
        second.show(Some((-1_500_000, 20)));
        assert_eq!(shown(), [r#""127.0.0.1"} NaN"#, r#""127.0.0.1 #2"} -1.5"#]);
        drop(first);
        let third = clocks.enter(peer);
        third.show(Some((250_000, 20)));
        assert_eq!(shown(), [r#""127.0.0.1"} 0.25"#, r#""127.0.0.1 #2"} -1.5"#], "a name is free");
        drop((second, third));
        assert!(shown().is_empty());
    }
}
