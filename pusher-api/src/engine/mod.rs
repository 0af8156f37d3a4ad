//! How pushes reach gateways and questions their answers. Everything before it (HTTP, checks,
//! receipts) is the same for each engine: it knows the [`contract`], and [`any`] for the choice.

pub(crate) mod any;

pub(crate) mod local;

pub(crate) mod contract;
