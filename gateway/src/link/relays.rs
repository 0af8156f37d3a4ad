//! Requests that reached another gateway, for sessions that may be here.

use std::{
    sync::Arc,
    task::{Wake, Waker},
    time::Duration,
};

use actix::WeakAddr;
use protocol::link::{Errand, RelayAnswer, Relayed};
use tokio::{sync::Notify, time::timeout};

use crate::{
    gateway::Gateway,
    session::{Answer, Polled, Posted, Reply, Said, expired, not_here},
};

/// Rings when the session has answered.
#[derive(Default)]
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Has the session do it, if it is here.
pub(super) async fn serve(gateway: &Gateway, relayed: Relayed) -> RelayAnswer {
    let Relayed { user, device, session, errand, within_ms } = relayed;
    let (registry, polls) = (&gateway.directory.registry, &gateway.directory.polls);
    let bell = Arc::<Bell>::default();
    let answer = Answer::new(Waker::from(Arc::clone(&bell)));
    match errand {
        Errand::Frames(frames) => {
            let found = registry.session(user.as_str(), device.as_ref(), session);
            let Some(there) = found.as_ref().and_then(WeakAddr::upgrade) else {
                return RelayAnswer::NotHere;
            };
            let reply = Reply::new(&answer, not_here);
            there.do_send(Posted { frames: frames.into(), reply });
        }
        Errand::Poll { seen, wait_ms, expires } => {
            let found = polls.find(session).and_then(|(address, _)| address.upgrade());
            let Some(there) = found else {
                return match gateway.directory.has_given(session) {
                    true => RelayAnswer::Refused(expired().into()),
                    false => RelayAnswer::NotHere,
                };
            };
            let owner = Some(polls.owner(&user, device.as_ref()));
            let (wait, reply) = (Duration::from_millis(wait_ms), Reply::new(&answer, expired));
            there.do_send(Polled { seen, wait, peer: None, owner, proof: None, expires, reply });
        }
    }
    let said = async {
        loop {
            match answer.take() {
                Some(said) => return said,
                None => bell.0.notified().await,
            }
        }
    };
    match timeout(Duration::from_millis(within_ms), said).await {
        Ok(Ok(Said::Nothing)) => RelayAnswer::Done(None),
        Ok(Ok(Said::Json(json))) => RelayAnswer::Done(Some(text(&json))),
        Ok(Ok(Said::Last(json))) => RelayAnswer::Last(text(&json)),
        Ok(Err(problem)) => RelayAnswer::Refused(problem.into()),
        Err(_) => RelayAnswer::Lost("the session has not answered in time".into()),
    }
}

fn text(json: &[u8]) -> String {
    // It is JSON of ours, and so UTF-8.
    String::from_utf8_lossy(json).into_owned()
}
