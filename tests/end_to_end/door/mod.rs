//! Connections that are not sessions: crowds of them that keep nobody out, and what each of them
//! may cost.

mod answers;
mod crowds;
mod limits;
