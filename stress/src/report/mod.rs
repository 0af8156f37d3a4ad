//! What a run found: as a record that can be added to others, as JSON, and as pages for people.
//!
//! The [`record`] is what all follows from; [`findings`] are made of [`sections`], each with its
//! figures and its words. They become [`text`], a [`page`], and [`files`].

pub(crate) mod files;
pub(crate) mod findings;
mod numbers;
mod page;
pub(crate) mod pushed;
pub(crate) mod record;
mod sections;
mod text;

pub use files::page_of_report;
