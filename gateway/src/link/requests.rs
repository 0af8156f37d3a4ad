//! Questions and orders of a pusher-api about users and topics, answered over the link.

use std::{sync::Arc, time::Duration};

use actix::Message;
use futures::future::join_all;
use protocol::{
    CloseReason, Device, UserId,
    link::{LinkAnswer, LinkRequest, SessionInfo, Up},
};

use crate::{
    directory::registry::Registration,
    gateway::Gateway,
    session::{Address, Close, Describe, Session, Topical},
    uplink::queue::LinkQueue,
};

/// A worker that is stalled for longer is not waited for.
const SESSION_TIMEOUT: Duration = Duration::from_secs(1);

/// Does what is asked, and answers; runs on the side so that pushes go on meanwhile.
pub(super) async fn answer(
    gateway: Arc<Gateway>,
    link: Arc<LinkQueue>,
    request: u64,
    body: LinkRequest,
) {
    let body = match body {
        LinkRequest::Sessions { user } => LinkAnswer::Sessions(describe(&gateway, &user).await),
        LinkRequest::Subscribers { topic } => {
            LinkAnswer::Count(gateway.directory.topics.count(topic.as_str()) as u64)
        }
        LinkRequest::Disconnect { user, device } => {
            let sessions =
                of_device(gateway.directory.registry.sessions(user.as_str()), device.as_ref());
            tell_each(sessions, || Close(CloseReason::Disconnected)).await
        }
        LinkRequest::Subscribe { user, topic } => {
            let sessions = gateway.directory.registry.sessions(user.as_str());
            tell_each(sessions, || Topical::Subscribe(topic.clone())).await
        }
        LinkRequest::Unsubscribe { user, topic } => {
            let sessions = gateway.directory.registry.sessions(user.as_str());
            let after = gateway.fan_out.last();
            tell_each(sessions, || Topical::Unsubscribe(topic.clone(), after)).await
        }
    };
    link.send(&Up::Answer { request, body });
}

fn of_device(
    mut sessions: Vec<Registration<Address>>,
    device: Option<&Device>,
) -> Vec<Registration<Address>> {
    if device.is_some() {
        sessions.retain(|session| session.device.as_ref() == device);
    }
    sessions
}

async fn describe(gateway: &Gateway, user: &UserId) -> Vec<SessionInfo> {
    let asked =
        gateway.directory.registry.sessions(user.as_str()).into_iter().map(async |session| {
            let mut info = ask(&session.address, Describe).await?;
            info.device = session.device.map(|device| device.to_string());
            Some(info)
        });
    join_all(asked).await.into_iter().flatten().collect()
}

/// Tells every session, and counts those that did it.
async fn tell_each<M>(sessions: Vec<Registration<Address>>, message: impl Fn() -> M) -> LinkAnswer
where
    M: Message<Result = bool> + Send + 'static,
    Session: actix::Handler<M>,
{
    let asked = sessions.iter().map(|session| ask(&session.address, message()));
    let done = join_all(asked).await.into_iter().filter(|done| *done == Some(true)).count();
    LinkAnswer::Count(done as u64)
}

async fn ask<M>(address: &Address, message: M) -> Option<M::Result>
where
    M: Message + Send + 'static,
    M::Result: Send,
    Session: actix::Handler<M>,
{
    address.upgrade()?.send(message).timeout(SESSION_TIMEOUT).await.ok()
}
