//! `/v1/users/…/topics/…`: subscribing a user's sessions to a topic.

use actix_web::{HttpResponse, web};
use protocol::{Topic, UserId, link::LinkRequest, problem::Problem};
use serde::Serialize;

use super::{
    problem::ApiError,
    questions::{ask, count, name},
};
use crate::api::Api;

/// How many sessions it concerned.
#[derive(Debug, Serialize)]
pub(crate) struct Sessions {
    /// Sessions.
    pub sessions: u64,
}

/// Subscribe a user's sessions to a topic.
pub(crate) async fn subscribe(
    path: web::Path<(String, String)>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let (user, topic) = user_and_topic(&path)?;
    change_subscription(&api, LinkRequest::Subscribe { user, topic }).await
}

/// End a subscription of a user's sessions.
pub(crate) async fn unsubscribe(
    path: web::Path<(String, String)>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let (user, topic) = user_and_topic(&path)?;
    change_subscription(&api, LinkRequest::Unsubscribe { user, topic }).await
}

async fn change_subscription(api: &Api, request: LinkRequest) -> Result<HttpResponse, ApiError> {
    let answers = ask(api, request).await?;
    if answers.is_empty() {
        let detail = "the user has no session; topics can also stand in the client's token";
        return Err(Problem::new(404, "Not online", detail).into());
    }
    Ok(HttpResponse::Ok().json(Sessions { sessions: count(&answers) }))
}

fn user_and_topic((user, topic): &(String, String)) -> Result<(UserId, Topic), Problem> {
    Ok((name("user", user)?, name("topic", topic)?))
}
