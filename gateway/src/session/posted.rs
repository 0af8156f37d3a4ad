//! Frames that a client posts, because its transport has no way up.

use std::rc::Rc;

use actix::{Handler, Message};
use bytes::Bytes;
use protocol::{CloseReason, client_frame::FrameError, problem::Problem};
use serde::de::IgnoredAny;

use super::{
    context::SessionContext,
    inbound::Refusal,
    reply::{Reply, Said},
    state::{Session, Stage},
};

/// Most frames in a request.
const MOST_FRAMES: usize = 100;

/// There is no such session for who asks.
pub(crate) fn not_here() -> Problem {
    Problem::new(404, "Not Found", "this user and device have no such session here")
}

/// Frames came for a session by a request of its client's.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Posted {
    /// The request's body.
    pub frames: Bytes,
    /// Who waits.
    pub reply: Reply,
}

impl Handler<Posted> for Session {
    type Result = ();

    fn handle(&mut self, Posted { frames, reply }: Posted, ctx: &mut SessionContext) {
        reply.give(self.take_posted(&frames, ctx).map(|()| Said::Nothing));
    }
}

impl Session {
    /// Acts on frames in their order, up to the first that is refused.
    fn take_posted(&mut self, body: &[u8], ctx: &SessionContext) -> Result<(), Problem> {
        if self.stage >= Stage::Closing {
            return Err(not_here());
        }
        let frames = frames(body)?;
        self.hear();
        let local = Rc::clone(&self.member.local);
        self.allowance.refill(&local.settings, local.tick());
        for (line, frame) in frames {
            if frame.len() > local.settings.max_frame {
                let detail = format!("line {line}: more than {} bytes", local.settings.max_frame);
                return Err(Problem::new(413, "Frame Too Large", detail).coded("frame_too_large"));
            }
            if !self.allowance.take_bytes(frame.len()) || !self.allowance.take_frame() {
                self.give_up(CloseReason::TooManyFrames);
                return Err(Problem::new(429, "Too Many Frames", format!("line {line}: too many"))
                    .coded("too_many_frames"));
            }
            let refused = self.on_frame(frame, ctx).map_err(|error| malformed(line, &error))?;
            if let Some(refusal) = refused.first() {
                return Err(problem_of(line, refusal));
            }
        }
        Ok(())
    }
}

/// The frames of a body with the numbers of their lines: it is one frame, or one a line.
///
/// # Errors
/// There is none, or there are too many.
pub fn frames(body: &[u8]) -> Result<Vec<(usize, &[u8])>, Problem> {
    let body = body.trim_ascii_end();
    if serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        return Ok(vec![(1, body)]);
    }
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let numbered = (1..).zip(lines).filter(|(_, line)| !line.is_empty());
    let frames: Vec<_> = numbered.take(MOST_FRAMES + 1).collect();
    match frames.len() {
        0 => Err(Problem::new(400, "Bad Request", "the body holds no frame")),
        count if count > MOST_FRAMES => {
            let detail = format!("the body holds more than {MOST_FRAMES} frames");
            Err(Problem::new(413, "Content Too Large", detail))
        }
        _ => Ok(frames),
    }
}

fn malformed(line: usize, error: &FrameError) -> Problem {
    let detail = format!("line {line}: {error}");
    Problem::new(400, "Bad Frame", detail).coded(error.code()).at(format!("/{}", line - 1))
}

fn problem_of(line: usize, refusal: &Refusal) -> Problem {
    let (status, title) = match refusal.code {
        "forbidden" => (403, "Forbidden"),
        "unauthorized" => (401, "Unauthorized"),
        "too_many_topics" => (409, "Too Many Topics"),
        "topics_full" => (503, "Topics Full"),
        _ => (400, "Bad Frame"),
    };
    let detail = format!("line {line}: {}", refusal.detail);
    Problem::new(status, title, detail).coded(refusal.code).at(format!("/{}", line - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_frame_or_one_a_line() {
        let found = |body: &str| frames(body.as_bytes()).map(|all| all.len());
        assert_eq!(found("{\n\"type\":\"ping\"\n}"), Ok(1), "one, over lines");
        assert_eq!(found("{}\n\r\n{}\r\n{}"), Ok(3));
        assert_eq!(frames(b"\n\n{}\nx").map(|all| all[1].0), Ok(4));
        assert_eq!(found(&"{}\n".repeat(100)), Ok(100));
        assert_eq!(found(&"{}\n".repeat(101)).map_err(|it| it.status), Err(413));
        assert_eq!(found(" \n").map_err(|it| it.status), Err(400));
    }
}
