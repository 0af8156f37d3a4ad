//! Setting what can be set while everything runs.

use std::io;

use crate::{
    descriptors,
    network::{Network, is_own},
    row::{Change, Row, Scope},
    sysctl,
};

/// Does what a row suggests; nothing where it suggests nothing that can be done at once.
///
/// # Errors
/// The system refuses.
pub fn apply(row: &Row, process: Option<u32>) -> Option<io::Result<()>> {
    Some(match row.change.as_ref()? {
        Change::Descriptors(process, limit) => descriptors::set_limit_of(*process, *limit),
        Change::Sysctl(name, value) => set(name, value, row.scope, process),
    })
}

fn set(name: &str, value: &str, scope: Scope, process: Option<u32>) -> io::Result<()> {
    let write = || sysctl::write(name, value);
    match (scope, process) {
        (Scope::Network, Some(process)) => Network::Of(process).within(write)?,
        (Scope::Host, _) => write().or_else(|error| match is_own(1) {
            true => Err(error),
            // Some are seen in the machine's first network namespace only.
            false => Network::Of(1).within(write).map_err(|_| error)?,
        }),
        _ => write(),
    }
}
