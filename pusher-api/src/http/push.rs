//! `POST /v1/push`: one push, answered at once or with its receipts.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header::ContentType, web};
use bytes::Bytes;
use protocol::{
    MessageId, SessionId,
    problem::Problem,
    receipt::{MAX_RECEIPT_SESSIONS, Outcome},
};
use serde::Serialize;

use super::{body, problem::ApiError, query};
use crate::{
    api::Api,
    backends::Backend,
    engine::contract::Engine,
    intake::{self, Forwarded, Staged},
    receipts::{Collector, GatewayReceipt},
    validate::without_byte_order_mark,
};

/// Longest time a request may wait for its receipts.
const MAX_RECEIPT_WAIT: Duration = Duration::from_secs(30);

/// The answer to a push that was accepted.
#[derive(Debug, Serialize)]
pub(crate) struct PushAccepted {
    /// The message.
    pub id: MessageId,
}

/// The answer to a push whose receipts were waited for.
#[derive(Debug, Serialize)]
pub(crate) struct PushReceipt {
    /// The message.
    pub id: MessageId,
    /// The sessions it reached, as far as their gateways answered in time.
    pub sessions: Vec<SessionReceipt>,
    /// Whether it reached any session.
    pub online: bool,
    /// Whether it reached more sessions than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// What became of a push at one session.
#[derive(Debug, Serialize)]
pub(crate) struct SessionReceipt {
    /// The session.
    pub session: SessionId,
    /// The gateway that holds it.
    pub gateway: String,
    /// `written`, `queued` or `dropped`.
    pub outcome: Outcome,
}

/// Push to a user, several users, a topic or everybody.
pub(crate) async fn push(
    request: HttpRequest,
    payload: web::Payload,
    api: web::Data<Api>,
    backend: web::ReqData<Backend>,
) -> Result<HttpResponse, ApiError> {
    body::check_type(&request, &["application/json"])?;
    let patience = patience(&request)?;
    let body = body::read(payload).await?;
    api.engine.readiness().await.map_err(Problem::unavailable)?;
    let push = intake::check(&api, without_byte_order_mark(&body))?;
    let forwarded = match intake::stage(&api, *backend, push, patience).await? {
        Staged::Duplicate(id) => return Ok(HttpResponse::Accepted().json(PushAccepted { id })),
        Staged::Answered(answer) => return Ok(answered(answer)),
        Staged::Fresh(push) => {
            // Flushed when it is dropped, before anything is waited for.
            let mut dispatch = api.engine.dispatch(body.len());
            intake::commit(&api, &mut dispatch, push, patience.is_some()).await?
        }
    };
    let Forwarded { id, gateways, collector, collecting } = forwarded;
    let (Some(collector), Some(patience)) = (collector, patience) else {
        return Ok(HttpResponse::Accepted().json(PushAccepted { id }));
    };
    let receipt = receipt(id, gateways, collector, patience).await;
    let answer = Bytes::from(serde_json::to_vec(&receipt).expect("a receipt is plain data"));
    collecting.into_iter().for_each(|collecting| collecting.answered(answer.clone()));
    Ok(answered(answer))
}

fn answered(receipt: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(receipt)
}

fn patience(request: &HttpRequest) -> Result<Option<Duration>, Problem> {
    let Some(text) = query::value(request.query_string(), "receipt")? else { return Ok(None) };
    match settings::units::duration(&text) {
        Ok(patience) if patience <= MAX_RECEIPT_WAIT => Ok(Some(patience)),
        Ok(_) | Err(_) => {
            let most = MAX_RECEIPT_WAIT.as_secs();
            Err(query::wrong(format!("receipt is a time like 200ms, at most {most}s")))
        }
    }
}

async fn receipt(
    id: MessageId,
    gateways: usize,
    collector: Collector,
    patience: Duration,
) -> PushReceipt {
    let receipts = collector.collect(gateways, patience).await;
    let total: u64 = receipts.iter().map(|(_, receipt)| receipt.total).sum();
    let mut sessions: Vec<_> = receipts.iter().flat_map(sessions_of).collect();
    sessions.truncate(MAX_RECEIPT_SESSIONS);
    let truncated = total > sessions.len() as u64;
    PushReceipt { id, sessions, online: total > 0, truncated }
}

fn sessions_of((gateway, receipt): &GatewayReceipt) -> impl Iterator<Item = SessionReceipt> {
    receipt.sessions.iter().map(move |(session, outcome)| SessionReceipt {
        session: *session,
        gateway: gateway.to_string(),
        outcome: *outcome,
    })
}
