//! One question to one gateway.

use std::time::Duration;

use protocol::link::LinkRequest;

use super::handle::Link;
use crate::status::{GatewayAnswer, Unanswered};

/// Asks the gateway and waits for its answer, at most this long.
///
/// # Errors
/// No connection, or no answer in time.
pub(crate) async fn ask(
    link: &Link,
    body: LinkRequest,
    patience: Duration,
) -> Result<GatewayAnswer, Unanswered> {
    let unanswered = || Unanswered(link.name().to_string());
    if !link.is_connected() {
        return Err(unanswered());
    }
    let mut expected = link.answers.expect().ok_or_else(unanswered)?;
    link.request(expected.request, body);
    match tokio::time::timeout(patience, &mut expected.answer).await {
        Ok(Ok(answer)) => Ok(GatewayAnswer { gateway: link.name().to_string(), answer }),
        Ok(Err(_)) | Err(_) => Err(unanswered()),
    }
}
