//! `/v1/users/…`: who is online and how; closing sessions.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::{HttpRequest, HttpResponse, web};
use protocol::{
    Device, SessionId, UserId,
    kept::Log,
    link::{LinkAnswer, LinkRequest, SessionInfo},
};
use serde::Serialize;

use super::{
    kept::{KeptStatus, standing},
    problem::ApiError,
    query,
    questions::{ask, count, name},
};
use crate::{
    api::Api,
    engine::contract::Engine,
    status::{Answers, GatewayAnswer},
};

/// A user, as backends see it.
#[derive(Debug, Serialize)]
pub(crate) struct UserStatus {
    /// The user id.
    pub user: UserId,
    /// Whether a session is known of, also where its gateway has not answered.
    pub online: bool,
    /// Every session, of the gateways that have answered.
    pub sessions: Vec<SessionStatus>,
    /// Whether all have that hold or may hold one.
    pub complete: bool,
    /// Those that have not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
    /// What is kept for the user; none where nothing is kept here, or the store cannot be asked.
    pub kept: Option<KeptStatus>,
}

/// One session of a user.
#[derive(Debug, Serialize)]
pub(crate) struct SessionStatus {
    /// The session.
    pub id: SessionId,
    /// The gateway that holds it.
    pub gateway: String,
    /// `websocket`, `tcp`, `sse` or `poll`.
    pub transport: String,
    /// The `device` claim of its token.
    pub device: Option<String>,
    /// When it began (RFC 3339, UTC).
    pub since: String,
    /// The peer's address and port.
    pub address: String,
}

/// How many sessions were closed.
#[derive(Debug, Serialize)]
pub(crate) struct Closed {
    /// Sessions, of the gateways that have answered.
    pub closed: u64,
    /// Whether all have that hold or may hold one.
    pub complete: bool,
    /// Those that have not: a session there may be open. Closing again does no harm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<String>,
}

/// Who a user is connected as.
pub(crate) async fn get(
    path: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let user = name::<UserId>("user", &path)?;
    let answers = ask(&api, LinkRequest::Sessions { user: user.clone() }).await?;
    let complete = answers.are_complete();
    let Answers { given, unanswered } = answers;
    let sessions: Vec<_> = given.into_iter().flat_map(sessions_of).collect();
    // Of who has answered, the answer is newer than what was reported before.
    let online = !sessions.is_empty() || (!complete && api.engine.is_online(&user).await);
    let kept = standing(&api, Log::User(user.clone())).await;
    Ok(HttpResponse::Ok().json(UserStatus { user, online, sessions, complete, unanswered, kept }))
}

/// Close a user's sessions.
pub(crate) async fn close_sessions(
    path: web::Path<String>,
    request: HttpRequest,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let user = name::<UserId>("user", &path)?;
    let device = query::value(request.query_string(), "device")?;
    let device = device.map(|text| name::<Device>("device", &text));
    let request = LinkRequest::Disconnect { user, device: device.transpose()? };
    let answers = ask(&api, request).await?;
    let (closed, complete) = (count(&answers.given), answers.are_complete());
    Ok(HttpResponse::Ok().json(Closed { closed, complete, unanswered: answers.unanswered }))
}

fn sessions_of(answer: GatewayAnswer) -> Vec<SessionStatus> {
    let GatewayAnswer { gateway, answer } = answer;
    match answer {
        LinkAnswer::Sessions(sessions) => {
            sessions.into_iter().map(|info| session(gateway.clone(), info)).collect()
        }
        LinkAnswer::Count(_)
        | LinkAnswer::Subscribed { .. }
        | LinkAnswer::Relayed(_)
        | LinkAnswer::Unsupported { .. } => Vec::new(),
    }
}

/// The last second that RFC 3339 has a notation for.
const LAST_SECOND: u64 = 253_402_300_799;

fn session(gateway: String, info: SessionInfo) -> SessionStatus {
    let SessionInfo { id, transport, device, since, address } = info;
    let since = UNIX_EPOCH + Duration::from_secs(since.min(LAST_SECOND));
    let since = humantime::format_rfc3339_seconds(since).to_string();
    SessionStatus { id, gateway, transport, device, since, address }
}
