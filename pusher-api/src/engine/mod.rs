//! How pushes reach gateways and questions their answers. Everything before it (HTTP, checks,
//! receipts) is the same for each engine: it knows the [`contract`] only.

pub(crate) mod local;

pub mod contract;
