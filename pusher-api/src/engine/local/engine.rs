//! The engine whose state is the memory of this process.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};
use protocol::link::LinkRequest;

use super::{
    dispatch::LocalDispatch,
    link::{handle::Link, question, services::Services},
};
use crate::{
    engine::contract::{Dispatch, Engine},
    status::{GatewayAnswer, GatewayStatus, NotReady, Unanswered},
};

/// The engine whose state is the memory of this process.
pub struct LocalEngine {
    /// What it shares with the links.
    pub services: Arc<Services>,
    /// How long a gateway may take to answer.
    pub timeout: Duration,
}

impl LocalEngine {
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
    fn readiness(&self) -> Result<(), NotReady> {
        self.services.gateways.readiness()
    }

    fn dispatch(&self, expected_bytes: usize) -> Box<dyn Dispatch> {
        Box::new(LocalDispatch::new(Arc::clone(&self.services), expected_bytes))
    }

    fn ask(&self, request: LinkRequest) -> BoxFuture<'_, Result<Vec<GatewayAnswer>, Unanswered>> {
        let links = self.concerned(&request);
        let patience = self.timeout;
        let ask = |link: Arc<Link>| {
            let request = request.clone();
            async move { question::ask(&link, request, patience).await }
        };
        try_join_all(links.into_iter().map(ask).collect::<Vec<_>>()).boxed()
    }

    fn gateways(&self) -> Vec<GatewayStatus> {
        self.services.gateways.all().iter().map(|link| status(link)).collect()
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
