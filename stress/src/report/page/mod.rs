//! The page for people: what stands on it, and the template that shows it.

mod axes;
mod causes;
mod charts;
mod plot;
mod tables;
mod template;
mod tiles;

pub(crate) use template::page;
