//! Server-sent events, and the HTTP around them.

mod frames;
mod other_gateways;
mod pages;
mod streams;
