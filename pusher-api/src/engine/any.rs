//! The engine that was chosen.

use std::sync::Arc;

use futures::future::BoxFuture;
use protocol::{UserId, link::LinkRequest};
use settings::Endpoint;

use super::{
    contract::{Dispatch, Engine, Handed, Haste, NamedPush, Refused, StoredPush},
    local::{dispatch::LocalDispatch, engine::LocalEngine},
};
use crate::{
    keeping::in_use::Keeping,
    keys::Keys,
    metrics::Metrics,
    receipts::Receipts,
    settings::Settings,
    status::{Answers, GatewayIndex, GatewayStatus, NotReady, OutOfStep},
};

/// One of the engines; a variant each.
pub(crate) enum AnyEngine {
    /// Who is where is in the memory of this process.
    Local(LocalEngine),
}

impl AnyEngine {
    /// The engine that the settings ask for.
    pub(crate) fn new(
        settings: &Settings,
        keys: &Arc<Keys>,
        receipts: &Arc<Receipts>,
        keeping: &Arc<Keeping>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self::Local(LocalEngine::new(settings, keys, receipts, keeping, metrics))
    }
}

impl Engine for AnyEngine {
    type Dispatch = AnyDispatch;

    fn keep_links(&self, gateways: Vec<Endpoint>) -> BoxFuture<'static, ()> {
        match self {
            Self::Local(engine) => engine.keep_links(gateways),
        }
    }

    async fn readiness(&self) -> Result<(), NotReady> {
        match self {
            Self::Local(engine) => engine.readiness().await,
        }
    }

    fn out_of_step(&self) -> Vec<OutOfStep> {
        match self {
            Self::Local(engine) => engine.out_of_step(),
        }
    }

    fn dispatch(&self, expected_bytes: usize, haste: Haste) -> AnyDispatch {
        match self {
            Self::Local(engine) => AnyDispatch::Local(engine.dispatch(expected_bytes, haste)),
        }
    }

    async fn ask(&self, request: LinkRequest) -> Answers {
        match self {
            Self::Local(engine) => engine.ask(request).await,
        }
    }

    async fn is_online(&self, user: &UserId) -> bool {
        match self {
            Self::Local(engine) => engine.is_online(user).await,
        }
    }

    fn name_of(&self, gateway: GatewayIndex) -> String {
        match self {
            Self::Local(engine) => engine.name_of(gateway),
        }
    }

    fn gateways(&self) -> Vec<GatewayStatus> {
        match self {
            Self::Local(engine) => engine.gateways(),
        }
    }

    async fn drained(&self) {
        match self {
            Self::Local(engine) => engine.drained().await,
        }
    }
}

/// The pushes of one request on the way that its engine has for them.
pub(crate) enum AnyDispatch {
    /// Routed by what is in memory.
    Local(LocalDispatch),
}

impl Dispatch for AnyDispatch {
    async fn add(&mut self, push: &NamedPush<'_>) -> Result<Handed, Refused> {
        match self {
            Self::Local(dispatch) => dispatch.add(push).await,
        }
    }

    async fn tell(&mut self, push: &StoredPush<'_>) -> Handed {
        match self {
            Self::Local(dispatch) => dispatch.tell(push).await,
        }
    }

    fn flush(&mut self) {
        match self {
            Self::Local(dispatch) => dispatch.flush(),
        }
    }
}
