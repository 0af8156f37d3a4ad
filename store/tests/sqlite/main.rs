//! The SQLite store, by its contract and by what may happen to its file.

mod failing;
mod files;
mod keeping;
mod place;
mod processes;
mod rows;
mod sequences;

#[cfg(test)]
#[path = "../model/mod.rs"]
mod model;
