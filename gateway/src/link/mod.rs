//! The gateway's end of the links: each pusher-api opens one at the operators' port.
//!
//! [`upgrade`] checks the HTTP request, and answers it in the [`terms`] of the other build;
//! [`connection`] reads what comes down, hands [`batches`] of pushes to [`crate::delivery`] and
//! writes what [`crate::uplink`] gathers: who came and went, acknowledgements, receipts and the
//! answers to [`requests`], those for sessions here that reached another gateway ([`relays`]) among them, how much [`work`] and how
//! large the [`load`] is, and which [`topics`] are wanted. Sessions are
//! told of pushes that were [`given_up`], and
//! give way to newer ones of their [`devices`] at other gateways. What is kept they are told of by [`keeping`]. The two clocks are compared by [`times`]. What is
//! [`unknown`] is passed over.

mod batches;
pub(crate) mod connection;
mod devices;
mod given_up;
pub(crate) mod keeping;
mod load;
mod relays;
mod requests;
mod terms;
mod times;
mod topics;
mod unknown;
pub(crate) mod upgrade;
mod work;

#[cfg(test)]
mod tests;
