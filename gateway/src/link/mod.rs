//! The gateway's end of the links: each pusher-api opens one at the operators' port.
//!
//! [`upgrade`] answers the HTTP request, [`session`] reads what comes down and hands pushes to
//! [`crate::deliver`], [`feed`] gathers what goes up: who came and went, acknowledgements,
//! [`receipts`] and the answers to [`requests`].

pub mod batches;
pub mod feed;
pub mod receipts;
pub mod requests;
pub mod session;
pub mod upgrade;
