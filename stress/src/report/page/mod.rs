//! The page for people: [`tiles`], plots by [`charts`], failures by their [`causes`], and
//! [`tables`], which a [`template`] lays out.

mod axes;
mod causes;
mod charts;
mod plot;
mod tables;
pub(crate) mod template;
mod tiles;
