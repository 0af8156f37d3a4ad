//! Frames that are posted for a session whose transport has no way up.

use std::sync::Arc;

use actix_web::web::Query;
use bytes::Bytes;
use protocol::{SessionId, problem::Problem};
use serde::Deserialize;

use super::shown::Shown;
use crate::{
    access::admission::Refusal,
    http::request::{Body, Request},
    seats::Seats,
    session::{Answer, Posted, Reply, not_here},
};

#[derive(Deserialize)]
struct Parameters {
    session: SessionId,
}

/// Checks that a request can bring frames.
///
/// # Errors
/// The problem to answer with.
pub(super) fn check(request: &Request<'_>) -> Result<(), Problem> {
    match request.body {
        Body::Sized(_) => Ok(()),
        Body::None => Err(Problem::new(400, "Bad Request", "the body holds no frame")),
        Body::Chunked => {
            Err(Problem::new(411, "Length Required", "give Content-Length: frames are short"))
        }
    }
}

/// Hands frames to the session they are for, which answers who waits in this seat.
///
/// # Errors
/// The problem to answer with.
pub(super) fn post(
    seats: &Seats,
    request: &Request<'_>,
    frames: Bytes,
    seat: u32,
) -> Result<Arc<Answer>, Problem> {
    let Ok(Query(Parameters { session })) = Query::from_query(request.query) else {
        let detail = "?session= has to be the session's id, as its hello says it";
        return Err(Problem::new(400, "Bad Request", detail));
    };
    let local = &seats.local;
    let shown = Shown::by(request);
    let identity = local
        .authenticator
        .authenticate(shown.credentials())
        .map_err(|error| Refusal::Unauthorized(error.0).problem())?;
    let mut address = None;
    local.directory.registry.visit(identity.user.as_str(), |one| {
        if one.id == session && one.device == identity.device {
            address = one.address.upgrade();
        }
    });
    let answer = Answer::for_seat(&local.calls, seat);
    let reply = Reply::new(&answer, not_here);
    address.ok_or_else(not_here)?.do_send(Posted { frames, reply });
    Ok(answer)
}
