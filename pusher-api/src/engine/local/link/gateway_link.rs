//! The actor that keeps one gateway linked: connects, and connects again when that ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix::prelude::*;
use certificates::rustls::pki_types::ServerName;
use tokio::task::{AbortHandle, JoinError};

use super::{connection, failure::Failure, handle::Link, reader, services::Services};
use crate::status::LinkState;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// At the longest pause this is about a line a minute.
const TRIES_A_LINE: u32 = 12;
/// So often an address is looked at again whose gateway is linked elsewhere: another gateway may
/// stand behind it by now. Each look costs the gateway a connection.
const ALIAS_PAUSE: Duration = Duration::from_secs(60);

/// Keeps the link to one gateway up for as long as the gateway is wanted. Frames never pass
/// through its mailbox: they go from the [`Link`] to the connection, which is a task of its own so
/// that a panic in it is only one more reason to connect again.
pub(super) struct GatewayLink {
    link: Arc<Link>,
    /// What the gateway's certificate has to be for, where it is reached inside TLS.
    name: Option<ServerName<'static>>,
    services: Arc<Services>,
    connection: Option<AbortHandle>,
    /// Tries in a row that did not get as far as the gateway's users.
    failures: u32,
    /// Why the last try failed, as it stands in the log.
    reason: String,
    /// When the connection was lost, until there is one again.
    interrupted: Option<Instant>,
    /// When an address whose gateway is linked elsewhere is tried next.
    alias_until: Option<Instant>,
    grace: Option<SpawnHandle>,
}

impl GatewayLink {
    pub(super) fn new(
        link: Arc<Link>,
        name: Option<ServerName<'static>>,
        services: Arc<Services>,
    ) -> Self {
        Self {
            link,
            name,
            services,
            connection: None,
            failures: 0,
            reason: String::new(),
            interrupted: None,
            alias_until: None,
            grace: None,
        }
    }

    fn connect(&mut self, context: &mut Context<Self>) {
        if !self.link.is_wanted() && !self.may_come_back() {
            self.give_up();
            // Nothing is left to do; the actor ends when discovery drops its address.
            return self.services.gateways.remove(self.link.index);
        }
        if self.is_linked_elsewhere() {
            context.run_later(LONGEST_PAUSE, Self::connect);
            return;
        }
        let (link, services) = (Arc::clone(&self.link), Arc::clone(&self.services));
        let running = connection::run(link, self.name.clone(), services);
        let task = actix_rt::spawn(running);
        self.connection = Some(task.abort_handle());
        let ended = task.into_actor(self).map(|end, actor, context| actor.on_end(end, context));
        context.spawn(ended);
    }

    /// Whether a gateway that its name no longer lists is tried again: it may have been taken out
    /// because it is full, and hold its sessions all the same.
    fn may_come_back(&self) -> bool {
        self.interrupted.is_some_and(|since| since.elapsed() < self.services.unlisted_retry)
    }

    /// Whether this is another address of a gateway whose link is well, and was found to be so
    /// lately.
    fn is_linked_elsewhere(&self) -> bool {
        let lately = self.alias_until.is_some_and(|until| Instant::now() < until);
        let instance = self.link.instance().filter(|_| lately);
        instance.is_some_and(|instance| {
            self.services.gateways.linked_elsewhere(instance, self.link.index).is_some()
        })
    }

    fn on_end(&mut self, end: Result<Failure, JoinError>, context: &mut Context<Self>) {
        let aliased = matches!(end, Ok(Failure::Alias(_)));
        self.alias_until = aliased.then(|| Instant::now() + ALIAS_PAUSE);
        // An alias stands as such, and nothing was connected.
        let was = if aliased { LinkState::Alias } else { self.link.ended() };
        reader::sweep_topics(&self.link, &self.services);
        if was == LinkState::Up {
            self.failures = 0;
        }
        if matches!(was, LinkState::Syncing | LinkState::Up) {
            self.services.metrics.links.reconnects.inc();
            self.interrupted = Some(Instant::now());
            self.start_grace(context);
        }
        if let Some(cause) = end.as_ref().ok().and_then(Failure::of_tls) {
            self.services.metrics.links.tls_failed(cause);
        }
        let pause = self.pause(end.as_ref().ok());
        self.log(&end, pause);
        self.failures = self.failures.saturating_add(1);
        context.run_later(pause, Self::connect);
    }

    fn log(&mut self, end: &Result<Failure, JoinError>, pause: Duration) {
        let (gateway, address) = (self.link.name(), self.link.address);
        let failure = match end {
            Err(panic) => return tracing::error!(%gateway, %address, %panic, "link failed"),
            Ok(failure) => failure,
        };
        let reason = failure.to_string();
        let is_news = self.reason != reason;
        match failure {
            Failure::Alias(_) if is_news => {
                tracing::info!(%gateway, %address, reason, "another address of a gateway");
            }
            Failure::Alias(_) => {}
            // A gateway that stays away is worth a line now and then, and whenever it does so for
            // another reason, but not one for each try.
            _ if is_news || self.failures.is_multiple_of(TRIES_A_LINE) => {
                tracing::warn!(%gateway, %address, reason, ?pause, "gateway not connected");
            }
            _ => tracing::debug!(%gateway, %address, reason, ?pause, "gateway not connected"),
        }
        self.reason = reason;
    }

    /// Full jitter over a doubling span, so that many processes do not come back in step.
    fn pause(&self, failure: Option<&Failure>) -> Duration {
        if failure.is_some_and(Failure::needs_an_operator) {
            return LONGEST_PAUSE;
        }
        let span = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(LONGEST_PAUSE);
        FIRST_PAUSE.max(span.mul_f64(fastrand::f64()))
    }

    fn start_grace(&mut self, context: &mut Context<Self>) {
        if let Some(running) = self.grace.take() {
            context.cancel_future(running);
        }
        let over = context.run_later(self.services.grace, |actor, _| {
            actor.grace = None;
            if actor.link.state() == LinkState::Lost {
                actor.give_up();
            }
        });
        self.grace = Some(over);
    }

    fn give_up(&self) {
        let lost = self.link.give_up();
        self.services.metrics.pushes.dropped_at_loss.inc_by(lost.pushes);
        self.services.keeping.forget(self.link.index);
        self.link.next_epoch();
        reader::sweep(Arc::clone(&self.link), Arc::clone(&self.services));
        let (gateway, address) = (self.link.name(), self.link.address);
        tracing::info!(%gateway, %address, dropped = lost.pushes, "gateway given up");
    }

    fn abort(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.abort();
        }
    }
}

impl Actor for GatewayLink {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        self.connect(context);
    }
}

impl Supervised for GatewayLink {
    fn restarting(&mut self, _: &mut Context<Self>) {
        self.link.ended();
        self.abort();
    }
}

impl Drop for GatewayLink {
    fn drop(&mut self) {
        self.abort();
    }
}
