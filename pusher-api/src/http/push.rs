//! `POST /v1/push`: one push, answered at once or with its receipts.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header::ContentType, web};
use bytes::Bytes;
use protocol::{MessageId, problem::Problem};
use serde::Serialize;

use super::{body, problem::ApiError, query, receipt::PushReceipt};
use crate::{
    api::Api,
    backends::Backend,
    engine::contract::{Engine, Haste},
    intake::{
        check::check,
        kept,
        live::{self, Forwarded, Staged},
    },
    validate::{Push, without_byte_order_mark},
};

/// Longest time a request may wait for its receipts.
const MAX_RECEIPT_WAIT: Duration = Duration::from_secs(30);

/// The answer to a push that was accepted.
#[derive(Debug, Serialize)]
pub(crate) struct PushAccepted {
    /// The message.
    pub id: MessageId,
    /// Gateways that hold or may hold somebody it is for, and had no room: those there will not get
    /// it. Others do, so that it is not to be pushed again under another id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_room: Vec<String>,
}

impl PushAccepted {
    fn new(id: MessageId) -> Self {
        Self { id, no_room: Vec::new() }
    }
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
    let body = body::read(&request, payload).await?;
    let push = check(&api, without_byte_order_mark(&body))?;
    if push.ttl > 0 {
        return keep(&api, *backend, &push, patience).await;
    }
    api.engine.readiness().await.map_err(Problem::unavailable)?;
    let forwarded = match live::stage(&api, *backend, push, patience).await? {
        Staged::Duplicate(id) => return Ok(HttpResponse::Accepted().json(PushAccepted::new(id))),
        Staged::Answered(answer) => return Ok(answered(answer)),
        Staged::Fresh(push) => {
            // Flushed when it is dropped, before anything is waited for.
            let mut dispatch = api.engine.dispatch(body.len(), Haste::Now);
            live::commit(&api, &mut dispatch, push, patience.is_some()).await?
        }
    };
    let Forwarded { id, handed, collector, collecting } = forwarded;
    let name_of = |gateway| api.engine.name_of(gateway);
    let (Some(collector), Some(patience)) = (collector, patience) else {
        let no_room = handed.no_room.iter().copied().map(name_of).collect();
        return Ok(HttpResponse::Accepted().json(PushAccepted { id, no_room }));
    };
    let collected = collector.collect(handed.gateways.clone(), patience).await;
    let receipt = PushReceipt::new(id, &handed, collected, name_of);
    let answer = Bytes::from(serde_json::to_vec(&receipt).expect("a receipt is plain data"));
    collecting.into_iter().for_each(|collecting| collecting.answered(answer.clone()));
    Ok(answered(answer))
}

/// Keeps a push, and forwards it then: whether gateways can be told of it now makes no difference to the
/// answer.
async fn keep(
    api: &Api,
    backend: Backend,
    push: &Push<'_>,
    patience: Option<Duration>,
) -> Result<HttpResponse, ApiError> {
    let unkept = kept::stage(backend, push)?;
    // Before it is on its way: receipts come at once.
    let collector = patience.map(|_| kept::expect_receipts(api, unkept.id())).transpose()?;
    let kept = unkept.keep(api).await.map_err(|refused| refused.problem)?;
    let id = kept.id();
    let (Some(collector), Some(patience)) = (collector, patience) else {
        kept.forward(&mut api.engine.dispatch(0, Haste::Now), false).await;
        return Ok(HttpResponse::Accepted().json(PushAccepted::new(id)));
    };
    if kept.is_repetition() {
        return Err(kept::unanswered(api).into());
    }
    let handed = kept.forward(&mut api.engine.dispatch(0, Haste::Now), true).await;
    let collected = collector.collect(handed.gateways.clone(), patience).await;
    let name_of = |gateway| api.engine.name_of(gateway);
    let receipt = PushReceipt::new(id, &handed, collected, name_of).kept();
    Ok(HttpResponse::Ok().json(receipt))
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
