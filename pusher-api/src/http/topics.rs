//! `/v1/topics/…`: how many sessions a topic has, and what is kept of it.

use actix_web::{HttpResponse, web};
use protocol::{Topic, kept::Log, link::LinkRequest};
use serde::Serialize;

use super::{
    kept::{KeptStatus, standing},
    problem::ApiError,
    questions::{ask, count, name},
};
use crate::api::Api;

/// A topic, as backends see it.
#[derive(Debug, Serialize)]
pub(crate) struct TopicStatus {
    /// The topic.
    pub topic: Topic,
    /// Sessions subscribed to it, over all gateways that have answered.
    pub sessions: u64,
    /// Whether all have.
    pub complete: bool,
    /// Those that have not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
    /// What is kept of it; none where nothing is kept here, or the store cannot be asked.
    pub kept: Option<KeptStatus>,
}

/// How many sessions are subscribed to a topic.
pub(crate) async fn get(
    path: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let topic = name::<Topic>("topic", &path)?;
    let answers = ask(&api, LinkRequest::Subscribers { topic: topic.clone() }).await?;
    let (sessions, complete) = (count(&answers.given), answers.are_complete());
    let unanswered = answers.unanswered;
    let kept = standing(&api, Log::Topic(topic.clone())).await;
    Ok(HttpResponse::Ok().json(TopicStatus { topic, sessions, complete, unanswered, kept }))
}
