//! Frames that are posted for a session whose transport has no way up.

use std::{sync::Arc, time::Duration};

use actix_web::web::Query;
use bytes::Bytes;
use protocol::{SessionId, link::Errand, problem::Problem};
use serde::Deserialize;

use super::{
    elsewhere::{self, Elsewhere},
    question::no_session_id,
    shown::Shown,
};
use crate::{
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
        return Err(no_session_id());
    };
    let local = &seats.local;
    let identity = Shown::by(request).identity(&local.authenticator)?;
    let (user, device) = (identity.user.as_str(), identity.device.as_ref());
    let address = local.directory.registry.session(user, device, session);
    let answer = Answer::for_seat(&local.calls, seat);
    let reply = Reply::new(&answer, not_here);
    match address.and_then(|address| address.upgrade()) {
        Some(address) => address.do_send(Posted { frames, reply }),
        None if local.directory.has_given(session) => return Err(not_here()),
        None => elsewhere::ask(local, identity, session, errand(frames)?, reply),
    }
    Ok(answer)
}

fn errand(frames: Bytes) -> Result<Elsewhere, Problem> {
    let frames = String::from_utf8(frames.into())
        .map_err(|_| Problem::new(400, "Bad Frame", "the body is no UTF-8").coded("not_json"))?;
    Ok(Elsewhere { errand: Errand::Frames(frames), wait: Duration::ZERO, nowhere: not_here })
}
