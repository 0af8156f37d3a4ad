//! What is said to a server by requests of their own, where the session's connection has no way up.

use std::{io, time::Duration};

use client::opening::{frames_path, percent_encode};
use protocol::SessionId;
use settings::Secret;
use ureq::Agent;

use super::visit::Visitor;
use crate::agent::agent;

/// How long a request may take.
const WITHIN: Duration = Duration::from_secs(10);
/// The most of an answer that is looked at, in bytes.
const LONGEST_ANSWER: u64 = 4096;

/// Where frames are posted, and as whom.
pub(super) struct Post {
    agent: Agent,
    /// The URL up to the session's name.
    base: String,
    session: Option<SessionId>,
    authorization: Option<String>,
}

impl Post {
    /// The place of frames is beside that of events.
    pub(super) fn new(visitor: &Visitor, token: Option<&Secret>) -> Self {
        let (host, path) = (&visitor.bracketed_host, frames_path(&visitor.path));
        let mut url = format!("http://{host}:{}{path}?", visitor.port);
        let user = visitor.user.as_ref().filter(|_| token.is_none());
        for (name, value) in [("user", user), ("device", visitor.device.as_ref())] {
            let Some(value) = value else { continue };
            url.push_str(name);
            url.push('=');
            percent_encode(value, &mut url);
            url.push('&');
        }
        let authorization = token.map(|token| format!("Bearer {}", token.expose()));
        Self { agent: agent(WITHIN), base: url, session: None, authorization }
    }

    /// What is posted is for this session.
    pub(super) fn is_for(&mut self, session: SessionId) {
        self.session = Some(session);
    }

    /// Posts frames; what is refused of them is said on stderr.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub(super) fn frames(&self, frames: &[u8]) -> io::Result<()> {
        let session = self.session.ok_or_else(|| io::Error::other("the session has no name"))?;
        let url = format!("{}session={session}", self.base);
        let mut request = self.agent.post(&url).content_type("application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let mut answer = request.send(frames).map_err(io::Error::other)?;
        if answer.status().as_u16() != 204 {
            let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string();
            eprintln!("not taken: {}", text.unwrap_or_default());
        }
        Ok(())
    }
}
