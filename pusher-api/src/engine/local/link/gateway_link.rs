//! The actor that keeps one gateway linked: connects, and connects again when that ends.

use std::{sync::Arc, time::Duration};

use actix::prelude::*;
use tokio::task::{AbortHandle, JoinError};

use super::{connection, failure::Failure, handle::Link, reader, services::Services};
use crate::status::LinkState;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// At the longest pause this is about a line a minute.
const TRIES_A_LINE: u32 = 12;

/// Keeps the link to one gateway up for as long as the gateway is wanted. Frames never pass
/// through its mailbox: they go from the [`Link`] to the connection, which is a task of its own so
/// that a panic in it is only one more reason to connect again.
pub(super) struct GatewayLink {
    link: Arc<Link>,
    services: Arc<Services>,
    connection: Option<AbortHandle>,
    /// Tries in a row that did not get as far as the gateway's users.
    failures: u32,
    grace: Option<SpawnHandle>,
}

impl GatewayLink {
    pub(super) fn new(link: Arc<Link>, services: Arc<Services>) -> Self {
        Self { link, services, connection: None, failures: 0, grace: None }
    }

    fn connect(&mut self, context: &mut Context<Self>) {
        if !self.link.is_wanted() {
            self.give_up();
            // Nothing is left to do; the actor ends when discovery drops its address.
            return self.services.gateways.remove(self.link.index);
        }
        let running = connection::run(Arc::clone(&self.link), Arc::clone(&self.services));
        let task = actix_rt::spawn(running);
        self.connection = Some(task.abort_handle());
        let ended = task.into_actor(self).map(|end, actor, context| actor.on_end(end, context));
        context.spawn(ended);
    }

    fn on_end(&mut self, end: Result<Failure, JoinError>, context: &mut Context<Self>) {
        let was = self.link.ended();
        if was == LinkState::Up {
            self.failures = 0;
        }
        if matches!(was, LinkState::Syncing | LinkState::Up) {
            self.services.metrics.reconnects.inc();
            self.start_grace(context);
        }
        let pause = self.pause(end.as_ref().ok());
        self.log(&end, pause);
        self.failures = self.failures.saturating_add(1);
        context.run_later(pause, Self::connect);
    }

    fn log(&self, end: &Result<Failure, JoinError>, pause: Duration) {
        let (gateway, address) = (self.link.name(), self.link.address);
        match end {
            Err(panic) => tracing::error!(%gateway, %address, %panic, "link failed"),
            // A gateway that stays away is worth a line now and then, not one for each try.
            Ok(failure) if self.failures.is_multiple_of(TRIES_A_LINE) => {
                tracing::warn!(%gateway, %address, reason = %failure, ?pause, "gateway not connected");
            }
            Ok(failure) => {
                tracing::debug!(%gateway, %address, reason = %failure, ?pause, "gateway not connected");
            }
        }
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
        self.services.metrics.dropped_at_loss.inc_by(lost.pushes);
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
