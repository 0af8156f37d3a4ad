//! RFC 6455 and the HTTP in front of it, down to single bytes.

mod closing;
mod echo;
mod first_message;
mod fragments;
mod http;
mod liveness;
mod violations;
