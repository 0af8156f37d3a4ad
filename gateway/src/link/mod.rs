//! The gateway's end of the links: each pusher-api opens one at the operators' port.
//!
//! [`upgrade`] checks the HTTP request, and answers it in the [`terms`] of the other build;
//! [`connection`] reads what comes down, hands pushes to [`crate::delivery`] and writes what
//! [`crate::uplink`] gathers: who came and went, acknowledgements, receipts and the answers to
//! [`requests`], and how much [`work`] there is. What is [`unknown`] is passed over.

pub(crate) mod connection;
mod requests;
mod terms;
mod unknown;
pub(crate) mod upgrade;
mod work;
