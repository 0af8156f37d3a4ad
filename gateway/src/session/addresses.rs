//! Where clients are that came through a proxy, which only that has told: nothing is kept of others, whose
//! sockets know.

use std::collections::HashMap;

use crate::http::client_address::ClientAddress;

/// The addresses that a thread was told of its connections, by seat.
#[derive(Default)]
pub(crate) struct Addresses(HashMap<u32, ClientAddress>);

impl Addresses {
    /// Takes note of where the client in a seat is.
    pub(crate) fn note(&mut self, seat: u32, address: ClientAddress) {
        self.0.insert(seat, address);
    }

    /// Where the client in a seat is, if that was told.
    pub(crate) fn get(&self, seat: u32) -> Option<ClientAddress> {
        self.0.get(&seat).copied()
    }

    /// Nobody is in the seat any more.
    pub(crate) fn clear(&mut self, seat: u32) {
        if !self.0.is_empty() {
            self.0.remove(&seat);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_seat_until_it_is_left() {
        let [one, other] =
            ["192.0.2.1:1", "[2001:db8::1]:2"].map(|it| ClientAddress::read(it).expect(it));
        let mut addresses = Addresses::default();
        addresses.note(7, one);
        addresses.note(8, one);
        addresses.note(8, other);
        assert_eq!(
            (addresses.get(7), addresses.get(8), addresses.get(9)),
            (Some(one), Some(other), None)
        );
        addresses.clear(7);
        addresses.clear(9);
        assert_eq!((addresses.get(7), addresses.get(8)), (None, Some(other)));
        assert!(size_of::<(u32, ClientAddress)>() <= 24);
    }
}
