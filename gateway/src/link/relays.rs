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
    session::{Answer, Posted, Reply, Said, not_here},
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
    let registry = &gateway.directory.registry;
    let address = registry.session(user.as_str(), device.as_ref(), session);
    let Some(session) = address.as_ref().and_then(WeakAddr::upgrade) else {
        return RelayAnswer::NotHere;
    };
    let bell = Arc::<Bell>::default();
    let answer = Answer::new(Waker::from(Arc::clone(&bell)));
    let reply = Reply::new(&answer, not_here);
    match errand {
        Errand::Frames(frames) => session.do_send(Posted { frames: frames.into(), reply }),
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
        Ok(Ok(Said::Json(json) | Said::Last(json))) => {
            RelayAnswer::Done(Some(String::from_utf8_lossy(&json).into_owned()))
        }
        Ok(Err(problem)) => RelayAnswer::Refused(problem.into()),
        Err(_) => RelayAnswer::Lost("the session has not answered in time".into()),
    }
}
