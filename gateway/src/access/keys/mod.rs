//! Where clients' keys come from, and how they stay up to date.
//!
//! [`files`] reads them from the settings and from files, [`url`] says which addresses a key set may be
//! fetched from and [`fetch`] does it. The [`keeper`] has a thread of its own, because both block; it
//! looks for changes, takes [`orders`] and puts good keys in force.

pub(crate) mod fetch;
pub(crate) mod files;
pub(crate) mod keeper;
pub(crate) mod orders;
pub(crate) mod url;
