//! The engine whose state is the memory of this process.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all, try_join_all},
};
use protocol::link::LinkRequest;
use settings::{ConfigError, Endpoint};

use super::{
    dispatch::LocalDispatch,
    link::{discovery, handle::Link, question, services::Services},
};
use crate::{
    engine::contract::Engine,
    metrics::Metrics,
    receipts::Receipts,
    settings::Settings,
    status::{GatewayAnswer, GatewayStatus, NotReady, Unanswered},
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
    ///
    /// # Errors
    /// The file with the secret cannot be read.
    pub(crate) fn new(
        settings: &Settings,
        receipts: Arc<Receipts>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ConfigError> {
        let services = Services::new(settings, receipts, metrics)?;
        Ok(Self { services: Arc::new(services), timeout: settings.gateway_timeout })
    }

    /// The gateways a question has to go to.
    fn concerned(&self, request: &LinkRequest) -> Vec<Arc<Link>> {
        let links = self.services.gateways.all();
        let user = match request {
            LinkRequest::Subscribers { .. } => None,
            LinkRequest::Sessions { user }
            | LinkRequest::Disconnect { user, .. }
            | LinkRequest::Subscribe { user, .. }
            | LinkRequest::Unsubscribe { user, .. } => Some(user),
        };
        let holding = user.map(|user| self.services.presence.gateways_of(user.as_str()));
        let concerned = |link: &&Arc<Link>| {
            link.is_open() && holding.as_ref().is_none_or(|holding| holding.contains(&link.index))
        };
        links.iter().filter(concerned).cloned().collect()
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

    fn dispatch(&self, expected_bytes: usize) -> LocalDispatch {
        LocalDispatch::new(Arc::clone(&self.services), expected_bytes)
    }

    async fn ask(&self, request: LinkRequest) -> Result<Vec<GatewayAnswer>, Unanswered> {
        let links = self.concerned(&request);
        let questions = links.iter().map(|link| question::ask(link, request.clone(), self.timeout));
        try_join_all(questions).await
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
        gateway_queued_bytes: link.gateway_queued.load(Ordering::Relaxed),
        instance: link.instance(),
    }
}
