//! The gateway's end of the links: each pusher-api opens one at the operators' port.
//!
//! [`upgrade`] checks the HTTP request, [`connection`] reads what comes down, hands pushes to
//! [`crate::delivery`] and writes what [`crate::uplink`] gathers: who came and went,
//! acknowledgements, receipts and the answers to [`requests`].

pub(crate) mod connection;
mod requests;
pub(crate) mod upgrade;
