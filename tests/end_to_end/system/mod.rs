//! Gateways and pusher-apis together, and what operators do to them.

mod backends;
mod batches;
mod broadcast;
mod configuration;
mod cut_links;
mod descriptors;
mod development;
mod doctor;
mod emptiness;
mod first_line;
mod health;
mod hostile_ports;
mod ids;
mod joining;
mod keys;
mod listening;
mod order;
mod ports;
mod reachability;
mod refusals;
mod restarts;
mod secrets;
mod several_gateways;
mod silent_gateway;
mod slow_reader;
mod start_order;
