//! Who is on a thread: sessions, and connections that are to be some ([`arrival`]), each in its seat
//! ([`table`]). All of them may be given to another process, and come from one ([`moving`]).

mod arrival;
mod moving;
mod table;

pub(crate) use self::{
    arrival::{Arrival, Asking, Port, Progress, Telling, Then},
    moving::Occupant,
    table::Seats,
};
