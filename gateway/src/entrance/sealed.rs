//! The handshake of TLS in front of everything else a client says.

use std::io;

use protocol::CloseReason;

use super::{
    arrivals::{Arrivals, Arrived},
    leaving::Farewell,
};
use crate::{
    seats::{Arrival, Progress},
    tls::Fault,
};

impl Arrivals {
    /// Puts off a handshake until it is its turn, and there is time; whether it was.
    pub(super) fn defer(&self, arrival: &mut Arrival, seat: u32) -> bool {
        let seats = &self.doorway.seats;
        if arrival.is_before_tls() {
            return false;
        }
        let tls = arrival.tls.as_mut().filter(|tls| tls.established().is_none());
        let Some(tls) = tls.filter(|_| !seats.local.handshaking.has_time()) else { return false };
        if !std::mem::replace(&mut tls.is_deferred, true) {
            seats.defer(seat);
        }
        true
    }

    /// Reads from a client whose handshake is not through, in the time that there is for those.
    pub(super) fn read_sealed(&self, arrival: &mut Arrival, bytes: &mut [u8]) -> io::Result<usize> {
        let local = &self.doorway.seats.local;
        let read = local.handshaking.spend(|| arrival.read(bytes, &local.tls));
        if let Some(kind) = arrival.tls.as_ref().and_then(|tls| tls.established()) {
            local.metrics.tls.established(kind);
        }
        read
    }

    /// Nothing more of what a client says can be understood. It was told by an alert, but where it does not
    /// speak TLS at all.
    pub(super) fn on_fault(&self, mut arrival: Box<Arrival>, error: &io::Error) -> Arrived {
        let metrics = &self.doorway.seats.local.metrics;
        let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>());
        if let Some(fault) = fault.filter(|_| arrival.is_unsealed()) {
            metrics.tls.handshake(fault.as_str());
        }
        if arrival.is_handshake() {
            self.count(arrival.port, CloseReason::ProtocolError.as_str());
        }
        if matches!(arrival.progress, Progress::Asking(_)) {
            Self::abandon(*arrival);
            return Arrived::Gone;
        }
        let farewell = match fault {
            Some(Fault::Plain) => {
                arrival.tls = None;
                Farewell::speak_tls(arrival.port)
            }
            _ => Farewell::alert(),
        };
        self.say(arrival, &farewell)
    }
}
