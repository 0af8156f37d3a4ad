//! The first step: what a push says, and whether this process can do it.

use protocol::problem::Problem;

use crate::{
    api::Api,
    keeping::in_use::NotKept,
    validate::{self, Push},
};

/// Reads a push and checks that this process can do what it asks for.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check<'a>(api: &Api, body: &'a [u8]) -> Result<Push<'a>, Problem> {
    let checked = validate::parse(body).and_then(|push| match push.ttl {
        0 => Ok(push),
        1.. => api.keeping.for_pushes().map(|_| push).map_err(|why| not_kept(&why)),
    });
    checked.inspect_err(|_| api.metrics.pushes.invalid.inc())
}

/// Nothing is kept here.
pub(crate) fn not_kept(why: &NotKept) -> Problem {
    Problem::new(501, "Not implemented", why.to_string()).at("/ttl")
}
