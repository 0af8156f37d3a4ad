//! What a request shows of who sends it.

use actix_web::web::Query;
use protocol::{bearer, problem::Problem};
use serde::Deserialize;

use crate::{
    access::{
        admission::Refusal,
        auth::{Authenticator, Credentials},
        identity::Identity,
    },
    directory::polls::{Polls, Proof},
    http::request::Request,
    session::Cursors,
};

#[derive(Default, Deserialize)]
struct Parameters {
    token: Option<String>,
    user: Option<String>,
    device: Option<String>,
    refuse: Option<String>,
}

/// The credentials of a request: a token in its head goes before one in its target.
pub(super) struct Shown<'a> {
    has_authorization: bool,
    bearer: Option<&'a str>,
    query: Parameters,
    /// The last event's id, which goes before what the target says.
    last_event: Option<&'a str>,
    target: &'a str,
}

impl<'a> Shown<'a> {
    /// Looks for them.
    pub(super) fn by(request: &Request<'a>) -> Self {
        let has_authorization = request.fields("authorization").next().is_some();
        let bearer = request.field("authorization").and_then(bearer::credentials);
        let query = Query::<Parameters>::from_query(request.query);
        Self {
            has_authorization,
            bearer,
            query: query.map(Query::into_inner).unwrap_or_default(),
            last_event: request.field("last-event-id").filter(|id| !id.is_empty()),
            target: request.query,
        }
    }

    /// Whether a refusal is to be told by a session that closes at once, because the client cannot read any
    /// other: a browser shows a page no status of a WebSocket.
    pub(super) fn wants_close(&self) -> bool {
        self.query.refuse.as_deref() == Some("close")
    }

    /// Whether it has any, good or bad.
    pub(super) fn says_who(&self) -> bool {
        let Parameters { token, user, .. } = &self.query;
        self.has_authorization || token.is_some() || user.is_some()
    }

    /// Who it is.
    ///
    /// # Errors
    /// The problem to answer with.
    pub(super) fn identity(&self, authenticator: &Authenticator) -> Result<Identity, Problem> {
        let identity = authenticator.authenticate(self.credentials());
        identity.map_err(|error| Refusal::Unauthorized(error.0).problem())
    }

    /// What a token proves that it shows.
    pub(super) fn proof<A: Clone>(&self, polls: &Polls<A>) -> Option<Proof> {
        let Credentials { token, device, .. } = self.credentials();
        token.map(|token| polls.proof(token, device))
    }

    /// Where it was in what is kept: `?after=` may be given several times. A cursor is the same in a target.
    pub(super) fn after(&self) -> Cursors {
        match self.last_event {
            Some(id) => Cursors::new([id]),
            None => {
                let fields = self.target.split('&');
                Cursors::new(fields.filter_map(|field| field.strip_prefix("after=")))
            }
        }
    }

    /// The device it names.
    pub(super) fn device(self) -> Option<Box<str>> {
        self.query.device.map(String::into_boxed_str)
    }

    /// They.
    pub(super) fn credentials(&self) -> Credentials<'_> {
        let Parameters { token, user, device, .. } = &self.query;
        let token = self.bearer.or(token.as_deref());
        Credentials { token, user: user.as_deref(), device: device.as_deref() }
    }
}
