//! Who is on a thread: sessions, and connections that are to be some ([`arrival`]), each in its seat
//! ([`table`]).

mod arrival;
mod table;

pub(crate) use self::{
    arrival::{Arrival, Asking, Port, Progress, Telling, Then},
    table::Seats,
};
