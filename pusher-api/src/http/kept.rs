//! What is kept of a user or a topic: how much that is, and forgetting it.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::{HttpResponse, web};
use protocol::{
    Topic, UserId,
    kept::{Cursor, Log},
    problem::Problem,
};
use serde::Serialize;
use store::contract::{Standing, Store};

use super::{problem::ApiError, questions::name};
use crate::{api::Api, keeping::in_use::NotKept};

/// What is kept in a log, as backends see it.
#[derive(Debug, Serialize)]
pub(crate) struct KeptStatus {
    /// How many messages.
    pub count: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// When the oldest was accepted (RFC 3339, UTC), if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<String>,
    /// Where the log of a topic ends: what comes later is behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How many messages were forgotten.
#[derive(Debug, Serialize)]
pub(crate) struct Deleted {
    /// Messages.
    pub deleted: u64,
}

/// What is kept in a log; none where nothing is kept here, or the store cannot be asked.
pub(super) async fn standing(api: &Api, log: Log) -> Option<KeptStatus> {
    let standing = api.keeping.store()?.standing(log.clone()).await;
    standing.ok().map(|standing| shown(&log, &standing))
}

/// Forget what is kept for a user.
pub(crate) async fn forget_user(
    path: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    forget(&api, Log::User(name::<UserId>("user", &path)?)).await
}

/// Forget what is kept of a topic.
pub(crate) async fn forget_topic(
    path: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    forget(&api, Log::Topic(name::<Topic>("topic", &path)?)).await
}

async fn forget(api: &Api, log: Log) -> Result<HttpResponse, ApiError> {
    let nothing = || Problem::new(501, "Not implemented", NotKept::NoStore.to_string());
    let store = api.keeping.store().ok_or_else(nothing)?;
    let deleted = store.forget(log).await.map_err(Problem::unavailable)?;
    Ok(HttpResponse::Ok().json(Deleted { deleted }))
}

fn shown(log: &Log, standing: &Standing) -> KeptStatus {
    let Standing { messages, bytes, oldest_ms, end } = *standing;
    let oldest = oldest_ms.map(|millis| {
        let at = UNIX_EPOCH + Duration::from_millis(millis);
        humantime::format_rfc3339_seconds(at).to_string()
    });
    let cursor = log.topic().map(|_| Cursor::new(log, end).to_string());
    KeptStatus { count: messages, bytes, oldest, cursor }
}

#[cfg(test)]
mod tests {
    use protocol::kept::Place;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_topic_has_a_cursor_and_nothing_has_no_oldest() {
        let end = Place { number: 7, check: 9 };
        let (user, topic) = (Log::User("u".parse().unwrap()), Log::Topic("t".parse().unwrap()));
        let full = Standing { messages: 2, bytes: 5, oldest_ms: Some(1_000), end };
        let empty = Standing { messages: 0, bytes: 0, oldest_ms: None, end };
        let shown = |log, standing| serde_json::to_value(super::shown(log, standing)).unwrap();
        let expected = json!({"count": 2, "bytes": 5, "oldest": "1970-01-01T00:00:01Z"});
        assert_eq!(shown(&user, &full), expected);
        let found = shown(&topic, &empty);
        let cursor = Cursor::decode(found["cursor"].as_str().expect("a cursor"));
        assert_eq!(cursor, Ok(Cursor::new(&topic, end)));
        assert_eq!((&found["count"], found.get("oldest")), (&json!(0), None));
    }
}
