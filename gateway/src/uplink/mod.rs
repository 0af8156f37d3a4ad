//! What goes up the links: who came and went ([`presence`]), what became of pushes
//! ([`receipts`]), gathered for each pusher-api in a [`queue`], whose [`gates`] hold sessions back
//! that it does not know of. Of the [`claims`] of devices the queue knows which are not confirmed, and
//! [`deciders`] which pusher-api decides on them. Requests for sessions of other gateways wait among the
//! [`relays`], and what gateways have [`others`] tell. What comes back is how far the two clocks are apart ([`peer_clock`]).

pub(crate) mod acknowledgements;
pub(crate) mod claims;
pub(crate) mod deciders;
pub(crate) mod gates;
pub(crate) mod others;
pub(crate) mod peer_clock;
pub(crate) mod presence;
pub(crate) mod queue;
pub(crate) mod receipts;
pub(crate) mod relays;
pub(crate) mod stores;
pub(crate) mod way;
