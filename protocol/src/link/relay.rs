//! What a client's request brings for a session that another gateway holds: it travels from the gateway that
//! it reached to a pusher-api, from there to the gateways that may have the session, and the answer back.
//! Only with the capability, see [`super::Terms::relays`].

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Device, SessionId, UserId},
    problem::Problem,
};

/// A request for a session of another gateway. Who asks has been checked where it came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relayed {
    /// Who asks: only a session of this user and device answers.
    pub user: UserId,
    /// With which device.
    pub device: Option<Device>,
    /// The session.
    pub session: SessionId,
    /// What is wanted of it.
    pub errand: Errand,
    /// How long the answer is waited for, in milliseconds.
    pub within_ms: u64,
}

/// What is wanted of a session. A build that does not know one says so, and nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// It shall take these frames, one a line.
    Frames(String),
    /// It shall say what is new.
    Poll {
        /// How many of its answers the client has.
        seen: u32,
        /// How long the client waits for something new, in milliseconds.
        wait_ms: u64,
        /// When the client's token ends: seconds since the Unix epoch.
        expires: Option<u64>,
    },
}

impl Errand {
    /// Bytes it brings.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Frames(frames) => frames.len(),
            Self::Poll { .. } => 0,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelayAnswer {
    /// The session has done it, and says this JSON, if anything.
    Done(Option<String>),
    /// The session says this JSON, and there is nothing more to ask it for.
    Last(String),
    /// The session has refused it.
    Refused(RelayedProblem),
    /// This user and device have no such session.
    NotHere,
    /// Somebody who may have the session could not be asked, for this reason; nothing was done.
    NoWay(String),
    /// There is no answer, for this reason; it may have been done.
    Lost(String),
}

/// A [`Problem`] on its way to who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayedProblem {
    status: u16,
    title: String,
    detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

impl From<Problem> for RelayedProblem {
    fn from(problem: Problem) -> Self {
        let Problem { status, title, detail, code, pointer, retry_after, .. } = problem;
        let (title, code) = (title.into_owned(), code.map(|code| code.into_owned()));
        Self { status, title, detail, code, pointer, retry_after }
    }
}

impl From<RelayedProblem> for Problem {
    fn from(relayed: RelayedProblem) -> Self {
        let RelayedProblem { status, title, detail, code, pointer, retry_after } = relayed;
        let mut problem = Self::new(status, title, detail);
        problem.code = code.map(Into::into);
        (problem.pointer, problem.retry_after) = (pointer, retry_after);
        problem
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_problem_is_the_same_at_the_other_end() {
        let plain = Problem::new(404, "Not Found", "nobody");
        let full = Problem::new(400, "Bad Frame", "line 2: no").coded("not_json").at("/1");
        for problem in [plain, full.retry_after(Duration::from_secs(3))] {
            let json = serde_json::to_string(&RelayedProblem::from(problem.clone())).unwrap();
            let read: RelayedProblem = serde_json::from_str(&json).unwrap();
            assert_eq!(Problem::from(read), problem);
        }
    }
}
