//! Sessions are asked to come back so that other gateways get some: what operators [`wanted`], at a [`pace`]
//! that the others can take, from its beginning to its end ([`run`]); [`http`] is where they say so.

pub(super) mod http;
mod pace;
pub(super) mod run;
mod wanted;
