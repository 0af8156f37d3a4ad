//! Questions and orders of a pusher-api about users and topics, answered over the link.

use std::{convert::Infallible, sync::Arc, time::Duration};

use actix::Message;
use futures::future::join_all;
use protocol::{
    CloseReason, Device, SessionId, UserId,
    link::{LinkAnswer, LinkRequest, SessionInfo, Up},
};
use tokio::sync::oneshot;

use super::relays;
use crate::{
    directory::registry::Registration,
    gateway::Gateway,
    session::{Address, Close, Describe, Session, Subscription, Topical},
    uplink::{gates::Gate, presence::PresenceFeed, queue::LinkQueue},
};

/// The code that a client hears that subscribes too often.
const TOO_MANY_TOPICS: &str = "too_many_topics";
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
            let closed = tell_each(&sessions, || Close(CloseReason::Disconnected)).await;
            LinkAnswer::Count(closed.iter().filter(|closed| **closed == Some(true)).count() as u64)
        }
        LinkRequest::Subscribe { user, topic, name_refused } => {
            let sessions = gateway.directory.registry.sessions(user.as_str());
            let told = tell_each(&sessions, || Topical::Subscribe(topic.clone())).await;
            if changed(&told) > 0 {
                confirmed(&gateway.directory.presence).await;
            }
            match name_refused {
                true => LinkAnswer::Subscribed {
                    sessions: changed(&told),
                    refused: refused(&sessions, &told),
                },
                false => LinkAnswer::Count(changed(&told)),
            }
        }
        LinkRequest::Unsubscribe { user, topic } => {
            let sessions = gateway.directory.registry.sessions(user.as_str());
            let after = gateway.fan_out.last();
            let told = tell_each(&sessions, || Topical::Unsubscribe(topic.clone(), after)).await;
            LinkAnswer::Count(changed(&told))
        }
        LinkRequest::Relay(relayed) => LinkAnswer::Relayed(relays::serve(&gateway, relayed).await),
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

/// Waits as a hello does until every pusher-api knows of the subscription: a push that is accepted
/// behind the answer reaches it.
async fn confirmed(presence: &PresenceFeed) {
    let (shut, open) = oneshot::channel();
    presence.open_when_confirmed(Arc::new(AnswerGate { _shut: shut }));
    // Nothing is ever sent; the gate opens by being dropped.
    let _ = open.await;
}

struct AnswerGate {
    _shut: oneshot::Sender<Infallible>,
}

impl Gate for AnswerGate {}

async fn describe(gateway: &Gateway, user: &UserId) -> Vec<SessionInfo> {
    let asked =
        gateway.directory.registry.sessions(user.as_str()).into_iter().map(async |session| {
            let mut info = ask(&session.address, Describe).await?;
            info.device = session.device.map(|device| device.to_string());
            Some(info)
        });
    join_all(asked).await.into_iter().flatten().collect()
}

/// Tells every session, and returns what each said, in their order; nothing where it is gone.
async fn tell_each<M>(
    sessions: &[Registration<Address>],
    message: impl Fn() -> M,
) -> Vec<Option<M::Result>>
where
    M: Message + Send + 'static,
    M::Result: Send,
    Session: actix::Handler<M>,
{
    join_all(sessions.iter().map(|session| ask(&session.address, message()))).await
}

fn changed(told: &[Option<Subscription>]) -> u64 {
    told.iter().filter(|one| **one == Some(Subscription::Changed)).count() as u64
}

/// Sessions that stay as they are, each with the reason.
fn refused(
    sessions: &[Registration<Address>],
    told: &[Option<Subscription>],
) -> Vec<(SessionId, String)> {
    let told = sessions.iter().zip(told);
    let refused = told.filter(|(_, one)| **one == Some(Subscription::TooMany));
    refused.map(|(session, _)| (session.id, TOO_MANY_TOPICS.to_owned())).collect()
}

async fn ask<M>(address: &Address, message: M) -> Option<M::Result>
where
    M: Message + Send + 'static,
    M::Result: Send,
    Session: actix::Handler<M>,
{
    address.upgrade()?.send(message).timeout(SESSION_TIMEOUT).await.ok()
}
