//! What a request shows of who sends it.

use actix_web::web::Query;
use protocol::bearer;
use serde::Deserialize;

use crate::{access::auth::Credentials, http::request::Request};

#[derive(Default, Deserialize)]
struct Parameters {
    token: Option<String>,
    user: Option<String>,
    device: Option<String>,
}

/// The credentials of a request: a token in its head goes before one in its target.
pub(super) struct Shown<'a> {
    bearer: Option<&'a str>,
    query: Parameters,
}

impl<'a> Shown<'a> {
    /// Looks for them.
    pub(super) fn by(request: &Request<'a>) -> Self {
        let bearer = request.field("authorization").and_then(bearer::credentials);
        let query = Query::<Parameters>::from_query(request.query);
        Self { bearer, query: query.map(Query::into_inner).unwrap_or_default() }
    }

    /// They.
    pub(super) fn credentials(&self) -> Credentials<'_> {
        let Parameters { token, user, device } = &self.query;
        let token = self.bearer.or(token.as_deref());
        Credentials { token, user: user.as_deref(), device: device.as_deref() }
    }
}
