//! `/v1/users/…/topics/…`: subscribing a user's sessions to a topic.

use actix_web::{HttpResponse, web};
use protocol::{
    SessionId, Topic, UserId,
    link::{LinkAnswer, LinkRequest},
    problem::Problem,
};
use serde::Serialize;

use super::{
    problem::ApiError,
    questions::{ask, count, name},
};
use crate::{
    api::Api,
    status::{Answers, GatewayAnswer},
};

/// Which sessions it concerned.
#[derive(Debug, Serialize)]
pub(crate) struct Sessions {
    /// How many sessions it holds for now, of the gateways that have answered.
    pub sessions: u64,
    /// Sessions that are not subscribed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedSession>,
    /// Whether all gateways have answered that hold or may hold one.
    pub complete: bool,
    /// Those that have not. Asking again does no harm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
}

/// A session that is not subscribed.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedSession {
    /// The session.
    pub session: SessionId,
    /// The gateway that holds it.
    pub gateway: String,
    /// Why: `too_many_topics`, the gateway's `--topics-per-session`.
    pub reason: String,
}

/// Subscribe a user's sessions to a topic.
pub(crate) async fn subscribe(
    path: web::Path<(String, String)>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let (user, topic) = user_and_topic(&path)?;
    let request = LinkRequest::Subscribe { user, topic, name_refused: true };
    change_subscription(&api, request).await
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
    let (sessions, complete) = (count(&answers.given), answers.are_complete());
    let Answers { given, unanswered } = answers;
    let refused: Vec<_> = given.into_iter().flat_map(refused_by).collect();
    if complete && sessions == 0 && refused.is_empty() {
        let detail = "the user has no session; topics can also stand in the client's token";
        return Err(Problem::new(404, "Not online", detail).into());
    }
    Ok(HttpResponse::Ok().json(Sessions { sessions, refused, complete, unanswered }))
}

fn refused_by(answer: GatewayAnswer) -> Vec<RefusedSession> {
    let GatewayAnswer { gateway, answer } = answer;
    let LinkAnswer::Subscribed { refused, .. } = answer else { return Vec::new() };
    let refused = refused.into_iter();
    let named = refused.map(|(session, reason)| RefusedSession {
        session,
        gateway: gateway.clone(),
        reason,
    });
    named.collect()
}

fn user_and_topic((user, topic): &(String, String)) -> Result<(UserId, Topic), Problem> {
    Ok((name("user", user)?, name("topic", topic)?))
}
