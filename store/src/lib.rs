//! What is kept: messages until they are acknowledged or expire, who has acknowledged what, and which ids were
//! taken.
//!
//! [`contract`] says what a store does, whatever it is made of; [`sqlite`] is one that is a file.

pub mod sqlite;

pub mod contract;
