//! One question to one gateway.

use std::time::Duration;

use protocol::link::{LinkAnswer, LinkRequest};
use tokio::time::{Instant, timeout_at};

use super::handle::Link;
use crate::status::GatewayAnswer;

/// Asks the gateway and waits for its answer, at most this long, also for a connection. An answer
/// that is lost with its connection is asked for again where doing it twice is the same as once.
///
/// # Errors
/// The gateway's name: no connection, or no answer in time.
pub(crate) async fn ask(
    link: &Link,
    body: LinkRequest,
    patience: Duration,
) -> Result<GatewayAnswer, String> {
    let deadline = Instant::now() + patience;
    let repeatable = !matches!(body, LinkRequest::Disconnect { .. } | LinkRequest::Relay(_));
    loop {
        if link.is_given_up() || timeout_at(deadline, link.connected()).await.is_err() {
            return Err(link.name().to_string());
        }
        match asked(link, body.clone(), deadline).await {
            Asked::Answered(answer) => {
                return Ok(GatewayAnswer { gateway: link.name().to_string(), answer });
            }
            Asked::Lost if repeatable => {}
            Asked::Lost | Asked::Unanswered => return Err(link.name().to_string()),
        }
    }
}

enum Asked {
    Answered(LinkAnswer),
    /// The connection ended first.
    Lost,
    /// No answer in time, none that this build knows, or too many questions wait.
    Unanswered,
}

async fn asked(link: &Link, body: LinkRequest, deadline: Instant) -> Asked {
    let Some(mut expected) = link.answers.expect() else { return Asked::Unanswered };
    link.request(expected.request, body);
    match timeout_at(deadline, &mut expected.answer).await {
        Ok(Ok(Some(answer))) => Asked::Answered(answer),
        Ok(Err(_)) => Asked::Lost,
        Ok(Ok(None)) | Err(_) => Asked::Unanswered,
    }
}
