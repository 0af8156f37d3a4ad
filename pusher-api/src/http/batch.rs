//! `POST /v1/push/batch`: one push a line, forwarded while the body is still arriving.
//!
//! A line for sessions online now is taken at once. From the first line to be kept on, lines are gathered in a
//! [`group`], for as long as more of the body is at hand.

mod group;

use std::{
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, HttpResponse, error::PayloadError, web};
use futures::{StreamExt, poll};
use protocol::problem::Problem;
use serving::{budget::Holding, problem};

use self::group::{Group, Settled, Waiting};
use super::{behind::Behind, body, problem::ApiError, report::Report};
use crate::{
    api::Api,
    backends::Backend,
    engine::{
        any::AnyDispatch,
        contract::{Dispatch, Engine, Haste},
    },
    intake::{
        check::check,
        kept::{self, Kept, Refused},
        live::{self, Fresh, Staged},
    },
    validate::{Line, Lines, MAX_BODY_BYTES, Push, To, without_byte_order_mark},
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
    /// Whose lines found no room in the store: only what is kept would overtake them.
    full: Behind,
    group: Group<'a>,
    /// Whether pushes for sessions online now can be taken, as far as is known.
    is_ready: bool,
    turn: Instant,
}

/// What became of a line.
enum Taken {
    /// It was taken.
    Now,
    /// It waits in the group.
    Later,
    /// Nothing stands on it.
    Blank,
}

/// Push one line after the other, of a body of any length.
pub(crate) async fn batch(
    request: HttpRequest,
    mut payload: web::Payload,
    api: web::Data<Api>,
    backend: web::ReqData<Backend>,
) -> Result<HttpResponse, ApiError> {
    body::check_type(&request, &["application/x-ndjson", "application/ndjson"])?;
    let mut batch = Batch::begin(&api, *backend).await?;
    let mut lines = Lines::new(MAX_BODY_BYTES);
    let held = body::held(&request);
    while let Some(chunk) = batch.next(&mut payload).await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                return Ok(batch.interrupted(&serving::body::problem(&error)).await);
            }
        };
        let mut bytes = chunk.as_ref();
        while let Some((number, line)) = lines.next(&mut bytes) {
            batch.on_line(number, line).await;
        }
        batch.dispatch.flush();
        if let Err(problem) = batch.hold(held.as_ref(), lines.held()).await {
            return Ok(batch.interrupted(&problem).await);
        }
        batch.give_way().await;
    }
    if let Some((number, line)) = lines.last() {
        batch.on_line(number, line).await;
    }
    batch.settle().await;
    let Batch { dispatch, report, .. } = batch;
    drop(dispatch);
    Ok(HttpResponse::Ok().json(report))
}

impl<'a> Batch<'a, AnyDispatch> {
    /// What can be kept needs no gateway.
    async fn begin(api: &'a Api, backend: Backend) -> Result<Self, Problem> {
        let readiness = api.engine.readiness().await.map_err(Problem::unavailable);
        let is_ready = readiness.is_ok();
        if api.keeping.for_pushes().is_err() {
            readiness?;
        }
        Ok(Self {
            api,
            backend,
            dispatch: api.engine.dispatch(BUFFER_BYTES, Haste::Patient),
            report: Report::default(),
            behind: Behind::default(),
            full: Behind::default(),
            group: Group::default(),
            is_ready,
            turn: Instant::now(),
        })
    }
}

impl<'a, D: Dispatch> Batch<'a, D> {
    /// More of the body. Before it is waited for, nothing waits for it.
    async fn next(
        &mut self,
        payload: &mut web::Payload,
    ) -> Option<Result<web::Bytes, PayloadError>> {
        if let Poll::Ready(next) = poll!(payload.next()) {
            return next;
        }
        self.settle().await;
        self.dispatch.flush();
        payload.next().await
    }

    /// Says how many bytes the request holds now, these and those of the group. Where that is too much, the
    /// group is the first to go.
    async fn hold(&mut self, held: Option<&Holding>, bytes: usize) -> Result<(), Problem> {
        if body::hold(held, bytes + self.group.bytes()).is_ok() {
            return Ok(());
        }
        self.settle().await;
        body::hold(held, bytes)
    }

    async fn on_line(&mut self, number: u64, line: Line<'_>) {
        match self.take(number, line).await {
            Ok(Taken::Now) => self.report.accept(),
            Ok(Taken::Later | Taken::Blank) => {}
            Err(problem) if self.group.is_empty() => self.report.reject(number, problem),
            Err(problem) => self.group.push(number, Waiting::Rejected(problem)),
        }
        if self.group.is_full(self.report.room()) {
            self.settle().await;
        }
        self.give_way().await;
    }

    async fn take(&mut self, number: u64, line: Line<'_>) -> Result<Taken, Problem> {
        let text = match line {
            Line::Complete(text) if number == 1 => without_byte_order_mark(text),
            Line::Complete(text) => text,
            Line::TooLong => {
                self.api.metrics.pushes.invalid.inc();
                let detail = format!("the line is longer than {MAX_BODY_BYTES} bytes");
                return Err(Problem::new(413, "Line too long", detail));
            }
        };
        if text.trim_ascii().is_empty() {
            return Ok(Taken::Blank);
        }
        self.check_report()?;
        let push = check(self.api, text)?;
        self.check_order(&push.to)?;
        match push.ttl {
            0 => self.take_live(number, push, text).await,
            _ => self.take_kept(number, &push).await,
        }
    }

    async fn take_kept(&mut self, number: u64, push: &Push<'_>) -> Result<Taken, Problem> {
        if self.group.would_be_overtaken(&push.to) {
            self.settle().await;
            self.check_report()?;
            self.check_order(&push.to)?;
        }
        if self.full.holds(&push.to) {
            return Err(kept::full(
                self.api,
                "an earlier line of the same user or topic had no room",
            ));
        }
        self.group.push(number, Waiting::Unkept(kept::stage(self.backend, push)?));
        Ok(Taken::Later)
    }

    async fn take_live(
        &mut self,
        number: u64,
        push: Push<'_>,
        text: &[u8],
    ) -> Result<Taken, Problem> {
        if let Err(problem) = self.check_readiness().await {
            self.behind.add(&push.to);
            return Err(problem);
        }
        let Staged::Fresh(push) = self.stage(push).await? else { return Ok(Taken::Now) };
        if !self.group.is_empty() {
            self.group.push(number, Waiting::Live(push.detached()));
            return Ok(Taken::Later);
        }
        self.check_report()?;
        match live::commit(self.api, &mut self.dispatch, push, false).await {
            Ok(_) => Ok(Taken::Now),
            Err(problem) => {
                // Rare enough to be read again, so that no line is copied for it.
                self.behind.add(&check(self.api, text)?.to);
                Err(problem)
            }
        }
    }

    /// Names a push. What it has to wait for may be a line that waits itself.
    async fn stage<'b>(&mut self, push: Push<'b>) -> Result<Staged<'a, 'b>, Problem> {
        let mut staging = pin!(live::stage(self.api, self.backend, push, None));
        if let Poll::Ready(staged) = poll!(staging.as_mut()) {
            return staged;
        }
        self.settle().await;
        staging.await
    }

    /// Has everything kept that is to be, and then forwards the lines of the group in their order.
    async fn settle(&mut self) {
        if self.group.is_empty() {
            return;
        }
        self.dispatch.flush();
        for (number, line) in std::mem::take(&mut self.group).settled(self.api).await {
            let result = match line {
                Settled::Kept(kept) => self.on_kept(kept).await,
                Settled::Live(push) => self.on_live(push).await,
                Settled::Rejected(problem) => Err(problem),
            };
            match result {
                Ok(()) => self.report.accept(),
                Err(problem) => self.report.reject(number, problem),
            }
            self.give_way().await;
        }
    }

    async fn on_kept(&mut self, kept: Result<Kept, Refused>) -> Result<(), Problem> {
        match kept {
            Ok(kept) => {
                kept.forward(&mut self.dispatch, false).await;
                Ok(())
            }
            Err(refused) => {
                match refused.problem.status {
                    503 => self.behind.add_logs(&refused.logs),
                    507 => self.full.add_logs(&refused.logs),
                    _ => {}
                }
                Err(refused.problem)
            }
        }
    }

    async fn on_live(&mut self, push: Fresh<'a, 'static>) -> Result<(), Problem> {
        self.check_order(push.to())?;
        let to = push.to().clone();
        let committed = live::commit(self.api, &mut self.dispatch, push, false).await;
        committed.map(drop).inspect_err(|_| self.behind.add(&to))
    }

    /// Nothing is taken that the report could not tell from what was not.
    fn check_report(&self) -> Result<(), Problem> {
        match self.report.is_full() {
            true => Err(self.held_back("the report is full")),
            false => Ok(()),
        }
    }

    /// Nothing overtakes what was refused.
    fn check_order(&self, to: &To<'_>) -> Result<(), Problem> {
        match self.behind.holds(to) {
            true => Err(self.held_back("an earlier line of the same user was refused")),
            false => Ok(()),
        }
    }

    /// Whether what is for sessions online now can be taken; once it can, the dispatch knows better.
    async fn check_readiness(&mut self) -> Result<(), Problem> {
        if !self.is_ready {
            let readiness = self.api.engine.readiness().await;
            readiness.map_err(|reason| self.held_back(&reason.to_string()))?;
            self.is_ready = true;
        }
        Ok(())
    }

    fn held_back(&self, reason: &str) -> Problem {
        self.api.metrics.pushes.refused.inc();
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
    async fn interrupted(mut self, problem: &Problem) -> HttpResponse {
        self.settle().await;
        problem::head(problem).body(self.report.interrupted_by(problem))
    }
}
