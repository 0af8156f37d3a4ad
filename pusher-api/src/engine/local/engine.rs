//! The engine whose state is the memory of this process.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use protocol::{
    UserId,
    link::{LinkRequest, Relayed},
};
use settings::Endpoint;

use super::{
    dispatch::LocalDispatch,
    link::{discovery, handle::Link, question, services::Services},
};
use crate::{
    engine::contract::{Engine, Haste},
    keeping::in_use::Keeping,
    keys::Keys,
    metrics::Metrics,
    receipts::Receipts,
    settings::Settings,
    status::{Answers, GatewayIndex, GatewayStatus, NotReady, OutOfStep},
};

/// The engine whose state is the memory of this process.
pub(crate) struct LocalEngine {
    /// What it shares with the links.
    pub services: Arc<Services>,
    /// How long a gateway may take to answer.
    timeout: Duration,
}

impl LocalEngine {
    /// Nobody is anywhere, and there are no links.
    pub(crate) fn new(
        settings: &Settings,
        keys: &Arc<Keys>,
        receipts: &Arc<Receipts>,
        keeping: &Arc<Keeping>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let services = Services::new(settings, keys, receipts, keeping, metrics);
        Self { services: Arc::new(services), timeout: settings.gateway_timeout }
    }

    /// The gateways a question has to go to: those that hold the user, and all that may, those
    /// that were given up among them.
    fn concerned(&self, request: &LinkRequest) -> Vec<Arc<Link>> {
        let links = self.services.gateways.all();
        // Before presence is asked: a link comes into step after its users have become known.
        let loose = |link: &Link| (link.is_open() && !link.is_in_step()) || link.is_given_up();
        let loose: Vec<_> = links.iter().map(|link| loose(link)).collect();
        let user = match request {
            LinkRequest::Subscribers { .. } => None,
            LinkRequest::Sessions { user }
            | LinkRequest::Disconnect { user, .. }
            | LinkRequest::Subscribe { user, .. }
            | LinkRequest::Unsubscribe { user, .. }
            | LinkRequest::Relay(Relayed { user, .. }) => Some(user),
        };
        let holding = user.map(|user| self.services.presence.gateways_of(user.as_str()));
        let holds = |link: &Arc<Link>| {
            link.is_open() && holding.as_ref().is_none_or(|holding| holding.contains(&link.index))
        };
        let links = links.iter().zip(loose).filter(|(link, loose)| *loose || holds(link));
        links.map(|(link, _)| Arc::clone(link)).collect()
    }
}

impl Engine for LocalEngine {
    type Dispatch = LocalDispatch;

    fn keep_links(&self, gateways: Vec<Endpoint>) -> BoxFuture<'static, ()> {
        discovery::run(gateways, Arc::clone(&self.services)).boxed()
    }

    async fn readiness(&self) -> Result<(), NotReady> {
        self.services.gateways.readiness()
    }

    fn out_of_step(&self) -> Vec<OutOfStep> {
        self.services.gateways.out_of_step()
    }

    fn dispatch(&self, expected_bytes: usize, haste: Haste) -> LocalDispatch {
        LocalDispatch::new(Arc::clone(&self.services), expected_bytes, haste)
    }

    async fn ask(&self, request: LinkRequest) -> Answers {
        let links = self.concerned(&request);
        let questions = links.iter().map(|link| question::ask(link, request.clone(), self.timeout));
        let mut answers = Answers::default();
        for asked in join_all(questions).await {
            match asked {
                Ok(answer) => answers.given.push(answer),
                Err(name) => answers.unanswered.push(name),
            }
        }
        answers
    }

    async fn is_online(&self, user: &UserId) -> bool {
        !self.services.presence.gateways_of(user.as_str()).is_empty()
    }

    fn name_of(&self, gateway: GatewayIndex) -> String {
        // One whose name is not known any more has left for good.
        self.services.gateways.name_of(gateway).map_or_else(String::new, |name| name.to_string())
    }

    fn gateways(&self) -> Vec<GatewayStatus> {
        self.services.gateways.all().iter().map(|link| status(link)).collect()
    }

    async fn drained(&self) {
        let links = self.services.gateways.all();
        join_all(links.iter().map(|link| link.room.drained())).await;
    }
}

fn status(link: &Link) -> GatewayStatus {
    GatewayStatus {
        name: link.name().to_string(),
        address: link.address.to_string(),
        state: link.state(),
        users: link.users.load(Ordering::Relaxed) as u64,
        queued_bytes: link.room.taken() as u64,
        oldest_unacknowledged: link.oldest_unacknowledged(),
        fan_out_behind: link.fan_outs.behind(),
        topics: link.interest.topics() as u64,
        names_topics: link.interest.list().is_some(),
        gateway_queued_bytes: link.gateway_queued.load(Ordering::Relaxed),
        alias_of: link.alias_of().map(|address| address.to_string()),
        instance: link.instance(),
    }
}
