//! `POST /v1/push/batch`: one push a line, forwarded while the body is still arriving.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use futures::StreamExt;
use protocol::problem::Problem;
use serde::Serialize;

use super::{body, problem::ApiError};
use crate::{
    api::Api,
    engine::contract::{Dispatch, Engine},
    intake::{self, Staged},
    validate::{Line, Lines, MAX_BODY_BYTES, without_byte_order_mark},
};

/// Most rejected lines that are listed.
const MAX_REJECTED: usize = 1000;
/// How long a body is left unread because a gateway has not caught up. After that, lines for
/// which there is no room are rejected until it has.
const PATIENCE: Duration = Duration::from_secs(5);
/// The buffers of a batch, one for each gateway, begin with this size together.
const BUFFER_BYTES: usize = 64 * 1024;

/// The answer to a batch.
#[derive(Debug, Default, Serialize)]
pub(crate) struct BatchReport {
    /// Pushes accepted.
    pub accepted: u64,
    /// Lines that were not, in order; at most 1,000.
    pub rejected: Vec<RejectedLine>,
    /// Whether more lines were rejected than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A line that was not accepted; the others were not affected.
#[derive(Debug, Serialize)]
pub(crate) struct RejectedLine {
    /// Counted from 1, blank lines included.
    pub line: u64,
    /// What is wrong.
    pub detail: String,
    /// JSON pointer to the wrong field of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// Push one line after the other, of a body of any length.
pub(crate) async fn batch(
    request: HttpRequest,
    mut payload: web::Payload,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    body::check_type(&request, &["application/x-ndjson", "application/ndjson"])?;
    api.engine.readiness().await.map_err(Problem::unavailable)?;
    let mut dispatch = api.engine.dispatch(BUFFER_BYTES);
    let mut report = BatchReport::default();
    let mut lines = Lines::new(MAX_BODY_BYTES);
    let mut patient = true;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| body::broken(&error))?;
        patient = let_catch_up(&dispatch, patient).await;
        let mut bytes = chunk.as_ref();
        while let Some((number, line)) = lines.next(&mut bytes) {
            report.take(&api, &mut dispatch, number, line).await;
        }
        dispatch.flush();
    }
    if let Some((number, line)) = lines.last() {
        report.take(&api, &mut dispatch, number, line).await;
    }
    drop(dispatch);
    Ok(HttpResponse::Ok().json(report))
}

/// Leaves the body unread while a gateway is behind, which slows the backend down. Returns
/// whether waiting helped: where it did not, waiting again for each chunk would only hold up
/// the pushes to other gateways.
async fn let_catch_up(dispatch: &impl Dispatch, patient: bool) -> bool {
    let patience = if patient { PATIENCE } else { Duration::ZERO };
    tokio::time::timeout(patience, dispatch.eased()).await.is_ok()
}

impl BatchReport {
    async fn take(&mut self, api: &Api, dispatch: &mut impl Dispatch, number: u64, line: Line<'_>) {
        let line = match line {
            Line::Complete(text) if number == 1 => Line::Complete(without_byte_order_mark(text)),
            other => other,
        };
        let outcome = match line {
            Line::Complete(text) if text.trim_ascii().is_empty() => return,
            Line::Complete(text) => match intake::stage(api, text) {
                Ok(Staged::Fresh(push)) => {
                    intake::commit(api, dispatch, push, false).await.map(drop)
                }
                Ok(Staged::Duplicate(_)) => Ok(()),
                Err(problem) => Err(problem),
            },
            Line::TooLong => {
                api.metrics.invalid.inc();
                let detail = format!("the line is longer than {MAX_BODY_BYTES} bytes");
                Err(Problem::new(413, "Line too long", detail))
            }
        };
        match outcome {
            Ok(()) => self.accepted += 1,
            Err(_) if self.rejected.len() >= MAX_REJECTED => self.truncated = true,
            Err(Problem { detail, pointer, .. }) => {
                self.rejected.push(RejectedLine { line: number, detail, pointer });
            }
        }
    }
}
