//! `/v1/topics/…`: how many sessions a topic has.

use actix_web::{HttpResponse, web};
use protocol::{Topic, link::LinkRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    problem::{ApiError, ProblemBody},
    questions::{ask, count, name},
};
use crate::api::Api;

/// A topic, as backends see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TopicStatus {
    /// The topic.
    #[schema(value_type = String)]
    pub topic: Topic,
    /// Sessions subscribed to it, over all gateways.
    pub sessions: u64,
}

/// How many sessions are subscribed to a topic.
#[utoipa::path(
    get, path = "/v1/topics/{topic}", tag = "topics",
    params(("topic" = String, Path, description = "The topic")),
    responses(
        (status = 200, description = "Its sessions", body = TopicStatus),
        (status = 503, description = "A gateway does not answer", body = ProblemBody),
    ),
    security(("key" = [])),
)]
pub(crate) async fn get(
    path: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let topic = name::<Topic>("topic", &path)?;
    let answers = ask(&api, LinkRequest::Subscribers { topic: topic.clone() }).await?;
    Ok(HttpResponse::Ok().json(TopicStatus { topic, sessions: count(&answers) }))
}
