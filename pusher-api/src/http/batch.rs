//! `POST /v1/push/batch`: one push a line, forwarded while the body is still arriving.

use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse, web};
use futures::StreamExt;
use protocol::problem::Problem;
use serving::problem;

use super::{behind::Behind, body, problem::ApiError, report::Report};
use crate::{
    api::Api,
    backends::Backend,
    engine::contract::{Dispatch, Engine, Haste},
    intake::{self, Staged},
    validate::{Line, Lines, MAX_BODY_BYTES, without_byte_order_mark},
};

/// The buffers of a batch, one for each gateway, begin with this size together.
const BUFFER_BYTES: usize = 64 * 1024;
/// How long a thread works on a batch before others have their turn; a line with thousands of users
/// takes longer.
const TURN: Duration = Duration::from_millis(1);
/// How many turns others have then: as many as a request needs from being accepted to its answer.
const TURNS_OF_OTHERS: usize = 4;

/// A batch as far as it has been read.
struct Batch<'a, D> {
    api: &'a Api,
    backend: Backend,
    dispatch: D,
    report: Report,
    behind: Behind,
    turn: Instant,
}

/// Push one line after the other, of a body of any length.
pub(crate) async fn batch(
    request: HttpRequest,
    mut payload: web::Payload,
    api: web::Data<Api>,
    backend: web::ReqData<Backend>,
) -> Result<HttpResponse, ApiError> {
    body::check_type(&request, &["application/x-ndjson", "application/ndjson"])?;
    api.engine.readiness().await.map_err(Problem::unavailable)?;
    let mut batch = Batch {
        api: &api,
        backend: *backend,
        dispatch: api.engine.dispatch(BUFFER_BYTES, Haste::Patient),
        report: Report::default(),
        behind: Behind::default(),
        turn: Instant::now(),
    };
    let mut lines = Lines::new(MAX_BODY_BYTES);
    let held = body::held(&request);
    while let Some(chunk) = payload.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Ok(batch.interrupted(&serving::body::problem(&error))),
        };
        let mut bytes = chunk.as_ref();
        while let Some((number, line)) = lines.next(&mut bytes) {
            batch.on_line(number, line).await;
        }
        batch.dispatch.flush();
        if let Err(problem) = body::hold(held.as_ref(), lines.held()) {
            return Ok(batch.interrupted(&problem));
        }
        batch.give_way().await;
    }
    if let Some((number, line)) = lines.last() {
        batch.on_line(number, line).await;
    }
    let Batch { dispatch, report, .. } = batch;
    drop(dispatch);
    Ok(HttpResponse::Ok().json(report))
}

impl<D: Dispatch> Batch<'_, D> {
    async fn on_line(&mut self, number: u64, line: Line<'_>) {
        match self.take(number, line).await {
            Ok(true) => self.report.accept(),
            Ok(false) => {}
            Err(problem) => self.report.reject(number, problem),
        }
        self.give_way().await;
    }

    /// Whether there was a push on the line, which was taken.
    async fn take(&mut self, number: u64, line: Line<'_>) -> Result<bool, Problem> {
        let text = match line {
            Line::Complete(text) if number == 1 => without_byte_order_mark(text),
            Line::Complete(text) => text,
            Line::TooLong => {
                self.api.metrics.invalid.inc();
                let detail = format!("the line is longer than {MAX_BODY_BYTES} bytes");
                return Err(Problem::new(413, "Line too long", detail));
            }
        };
        if text.trim_ascii().is_empty() {
            return Ok(false);
        }
        if self.report.is_full() {
            return Err(self.held_back("the report is full"));
        }
        let push = intake::check(self.api, text)?;
        if self.behind.holds(&push.to) {
            return Err(self.held_back("an earlier line of the same user was refused"));
        }
        if let Staged::Fresh(push) = intake::stage(self.api, self.backend, push, None).await? {
            let committed = intake::commit(self.api, &mut self.dispatch, push, false).await;
            if let Err(problem) = committed {
                // Rare enough to be read again, so that no line is copied for it.
                self.behind.add(&intake::check(self.api, text)?.to);
                return Err(problem);
            }
        }
        Ok(true)
    }

    fn held_back(&self, reason: &str) -> Problem {
        self.api.metrics.refused.inc();
        Problem::unavailable(reason)
    }

    /// Lets others on this thread have their turn: single pushes and health stay quick however
    /// long a batch is.
    async fn give_way(&mut self) {
        if self.turn.elapsed() >= TURN {
            self.dispatch.flush();
            for _ in 0..TURNS_OF_OTHERS {
                tokio::task::yield_now().await;
            }
            self.turn = Instant::now();
        }
    }

    /// The body ended before it was complete: what became of the lines until then.
    fn interrupted(self, problem: &Problem) -> HttpResponse {
        problem::head(problem).body(self.report.interrupted_by(problem))
    }
}
