//! Gateways and pusher-apis together, and what operators do to them.

mod backends;
mod batches;
mod broadcast;
mod configuration;
mod descriptors;
mod development;
mod doctor;
mod emptiness;
mod first_line;
mod health;
mod ids;
mod joining;
mod listening;
mod order;
mod reachability;
mod refusals;
mod restarts;
mod secrets;
mod several_gateways;
mod slow_reader;
mod start_order;
