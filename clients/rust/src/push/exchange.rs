//! A batch and its answer: what became of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;

use super::{
    connection::{Answer, Connection, NoAnswer},
    process::Process,
    report::Report,
};

/// What became of a batch.
#[derive(Debug)]
pub(super) enum Outcome {
    /// As it says.
    Reported(Report),
    /// There is no way to a pusher-api; nothing was sent.
    NotSent(Option<Duration>),
    /// Nothing of it was taken; it may be sent again.
    NotTaken(Option<Duration>),
    /// Nothing of it was taken, because another process has answered than the one that was named.
    OtherProcess {
        /// Whether the one that was named counts as gone.
        is_gone: bool,
    },
    /// It will never be taken as it is.
    Refused { status: u16, detail: String },
    /// All of it may have been taken, or some, or nothing.
    Unknown {
        /// Whether it was for one process only.
        was_named: bool,
    },
}

/// What is to be sent.
pub(super) struct Body {
    pub(super) lines: Bytes,
    /// How many lines it has.
    pub(super) count: usize,
    /// Whether any is without a `ttl`.
    pub(super) is_live: bool,
}

/// A problem (RFC 9457), as far as it matters here.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
    pointer: Option<String>,
}

/// What batches are exchanged by.
pub(super) struct Exchange {
    connection: Connection,
    process: Process,
}

impl Exchange {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, process: Process::default() }
    }

    /// Whether something was sent whose answer has not come.
    pub(super) fn is_sending(&self) -> bool {
        self.connection.is_sending()
    }

    /// Sends a batch; `is_bound` says that some pushes of this connection's may have been taken by the process that
    /// was named last.
    pub(super) async fn send(&mut self, body: Body, is_bound: bool) -> Outcome {
        let now = Instant::now();
        if body.is_live && self.process.is_to_be_asked(now) {
            // A batch of nothing is answered by whoever would take one.
            match self.connection.post(Bytes::new(), None).await {
                Ok(answer) if answer.is_of_a_pusher() => {
                    self.process.heard(answer.process, false, now)
                }
                Ok(answer) => return Outcome::NotSent(answer.retry_after),
                Err(_) => return Outcome::NotSent(None),
            }
        }
        let named = self.process.named(is_bound, now).filter(|_| body.is_live || is_bound).cloned();
        let was_named = named.is_some();
        match self.connection.post(body.lines, named.as_ref()).await {
            Err(NoAnswer::NotSent) => Outcome::NotSent(None),
            Err(NoAnswer::Lost) => Outcome::Unknown { was_named },
            Ok(answer) if answer.status == 412 && was_named && answer.process.is_some() => {
                let is_gone = self.process.missed(answer.process, is_bound, now);
                Outcome::OtherProcess { is_gone }
            }
            Ok(answer) => {
                if answer.is_of_a_pusher() {
                    self.process.heard(answer.process.clone(), is_bound, now);
                }
                judge(&answer, body.count, was_named)
            }
        }
    }
}

/// What an answer says of a batch of so many lines.
fn judge(answer: &Answer, lines: usize, was_named: bool) -> Outcome {
    let unknown = Outcome::Unknown { was_named };
    let Answer { status, process, retry_after, body } = answer;
    if *status == 200 {
        return Report::read(body, lines, true).map_or(unknown, Outcome::Reported);
    }
    // Another server in between may have sent the batch on before it answered.
    let is_pusher = process.is_some();
    if is_pusher && let Some(mut report) = Report::read(body, lines, false) {
        report.retry_after = report.retry_after.or(retry_after.map(|told| told.as_secs()));
        return Outcome::Reported(report);
    }
    match status {
        503 | 408 if is_pusher => Outcome::NotTaken(*retry_after),
        425 | 429 => Outcome::NotTaken(*retry_after),
        408 => unknown,
        300..=499 => {
            let Problem { title, detail, pointer } =
                serde_json::from_slice(body).unwrap_or_default();
            let detail = detail.or(title).unwrap_or_default();
            let place = pointer.map(|pointer| format!(" ({pointer})")).unwrap_or_default();
            Outcome::Refused { status: *status, detail: detail + &place }
        }
        _ => unknown,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    /// What two lines have come to, in a word.
    fn judged(status: u16, is_pusher: bool, body: &'static str) -> &'static str {
        let process = is_pusher.then(|| HeaderValue::from_static("p"));
        let (retry_after, body) =
            (Some(Duration::from_secs(3)), Bytes::from_static(body.as_bytes()));
        match judge(&Answer { status, process, retry_after, body }, 2, true) {
            Outcome::Reported(report) => match report.fates(2).len() {
                1 => "reported alike",
                _ => "reported",
            },
            Outcome::NotSent(_) => "not sent",
            Outcome::NotTaken(told) => told.map_or("not taken", |_| "not taken, told when"),
            Outcome::OtherProcess { .. } => "other process",
            Outcome::Refused { .. } => "refused",
            Outcome::Unknown { .. } => "unknown",
        }
    }

    #[test]
    fn answers_say_what_became_of_a_batch() {
        let half = r#"{"accepted":1,"rejected":[]}"#;
        for (status, is_pusher, body, expected) in [
            (200, true, r#"{"accepted":2,"rejected":[]}"#, "reported alike"),
            (200, true, half, "unknown"),
            (200, false, "<html>", "unknown"),
            (503, true, r#"{"status":503}"#, "not taken, told when"),
            (503, true, half, "reported"),
            (503, false, "", "unknown"),
            (408, true, half, "reported"),
            (408, true, "", "not taken, told when"),
            (408, false, "", "unknown"),
            (429, false, "", "not taken, told when"),
            (400, true, half, "reported"),
            (401, true, r#"{"detail":"no"}"#, "refused"),
            (404, false, "", "refused"),
            (307, false, "", "refused"),
            (413, false, "", "refused"),
            (500, true, "", "unknown"),
            (502, false, "", "unknown"),
            (504, false, "", "unknown"),
        ] {
            assert_eq!(judged(status, is_pusher, body), expected, "{status} {is_pusher} {body}");
        }
    }
}
