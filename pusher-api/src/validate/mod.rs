//! From the bytes of one push to a checked [`Push`], or to the problem and the place it is at.
//!
//! The happy path reads the JSON once and borrows from it; the payload is skipped over, never
//! parsed. Only a body that was refused is read again, to say where it is wrong.

mod lines;

mod parse;

mod payload;

mod readable;

mod push;

mod body;

mod text;

mod problems;

pub use self::{
    body::To,
    lines::{Line, Lines},
    parse::parse,
    push::Push,
};
pub(crate) use self::{
    parse::{MAX_BODY_BYTES, without_byte_order_mark},
    push::Payload,
    text::CollapseKey,
};

#[cfg(test)]
mod tests;
