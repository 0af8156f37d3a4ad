//! Server-sent events, and the HTTP around them.

mod frames;
mod pages;
mod streams;
