//! Who may do what: the API key of every request below `/v1`.

use actix_web::http::header::{self, HeaderMap};
use protocol::{bearer::Refused, problem::Problem};

use crate::{
    api::Api,
    backends::{Backend, Scope},
};

/// Whose key a request presents, and that it allows what the route needs. Where no key is
/// configured, everybody may do everything.
///
/// # Errors
/// 401 without a key that is known, 403 where it does not allow this.
pub(super) fn admit(
    api: &Api,
    headers: &HeaderMap,
    needed: Option<Scope>,
) -> Result<Backend, Problem> {
    let header = headers.get(header::AUTHORIZATION).and_then(|header| header.to_str().ok());
    let backend = api.keys.find(header).map_err(unauthorized)?;
    match needed {
        Some(scope) if !backend.may(scope) => Err(forbidden(scope)),
        Some(_) | None => Ok(backend),
    }
}

fn unauthorized(refused: Refused) -> Problem {
    let detail = match refused {
        Refused::Missing => "send an API key as Authorization: Bearer KEY",
        Refused::Unknown => "the API key is not known here",
    };
    Problem::new(401, "Unauthorized", detail)
}

fn forbidden(scope: Scope) -> Problem {
    let detail = format!("the API key does not have the scope {}", scope.as_str());
    Problem::new(403, "Forbidden", detail)
}
