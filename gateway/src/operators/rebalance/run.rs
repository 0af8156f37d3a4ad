//! One rebalancing at a time, from its beginning to its end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use protocol::{link::OtherGateways, problem::Problem};
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

use super::{
    pace::{Blocked, Pace, room},
    wanted::Wanted,
};
use crate::{access::recalls::Order, gateway::Gateway};

/// How often it is looked how many may go.
const STEP: Duration = Duration::from_millis(50);

/// How far a rebalancing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// There was none.
    None,
    /// Sessions are being asked.
    Running,
    /// All were asked that it was for, or were there.
    Done,
    /// It ended before that.
    Stopped,
}

/// The last one, or the one under way.
struct Run {
    wanted: Wanted,
    order: Arc<Order>,
    state: State,
    /// Why it was stopped.
    reason: Option<&'static str>,
}

/// Where a gateway's rebalancings are begun and looked at.
#[derive(Default)]
pub(crate) struct Rebalancing(Mutex<Option<Run>>);

/// What operators are told.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    /// How many sessions it is for.
    sessions: usize,
    /// How many were asked so far.
    asked: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<OthersReport>,
}

/// What other gateways have.
#[derive(Debug, Serialize)]
struct OthersReport {
    gateways: u32,
    sessions: u64,
    room: u64,
}

impl From<OtherGateways> for OthersReport {
    fn from(others: OtherGateways) -> Self {
        let OtherGateways { gateways, sessions, room, .. } = others;
        Self { gateways, sessions, room }
    }
}

impl Rebalancing {
    /// Begins one.
    ///
    /// # Errors
    /// 409 while one is under way, while the gateway leaves, and where there is no other; 503 where the
    /// others have no room, or nobody tells.
    pub(crate) fn begin(
        self: &Arc<Self>,
        gateway: &Arc<Gateway>,
        wanted: Wanted,
    ) -> Result<Report, Problem> {
        if gateway.admission.is_leaving() {
            return Err(conflict("the gateway is draining: all its sessions go"));
        }
        room(gateway.directory.others.best()).map_err(refused)?;
        let mut run = self.0.lock();
        if run.as_ref().is_some_and(|run| run.state == State::Running) {
            return Err(conflict("one is under way; GET shows how far it is, DELETE stops it"));
        }
        let sessions: Vec<_> = gateway.fan_out.sessions().collect();
        let order = Arc::new(Order::new(&sessions, wanted.share, gateway.clock.tick_now()));
        let Wanted { share, rate } = wanted;
        info!(share, rate, sessions = order.total(), "rebalancing");
        gateway.recalls.give(&order);
        *run = Some(Run { wanted, order: Arc::clone(&order), state: State::Running, reason: None });
        drop(run);
        let (this, gateway) = (Arc::clone(self), Arc::clone(gateway));
        let report = this.report(&gateway);
        actix_rt::spawn(async move {
            let ended = keep_pace(&gateway, &order, wanted.rate).await;
            this.end(&order, ended);
        });
        Ok(report)
    }

    /// Asks nobody any more.
    pub(crate) fn stop(&self) {
        let order = self.0.lock().as_ref().map(|run| Arc::clone(&run.order));
        if let Some(order) = order {
            self.end(&order, Err("stopped"));
        }
    }

    /// It has come to its end, if it is still that one and has not before.
    fn end(&self, order: &Arc<Order>, ended: Result<(), &'static str>) {
        order.end();
        let mut run = self.0.lock();
        let is_it = |run: &&mut Run| run.state == State::Running && Arc::ptr_eq(&run.order, order);
        let Some(run) = run.as_mut().filter(is_it) else { return };
        (run.state, run.reason) = match ended {
            Ok(()) => (State::Done, None),
            Err(reason) => (State::Stopped, Some(reason)),
        };
        info!(sessions = order.total(), asked = order.asked(), reason = run.reason, "rebalanced");
    }

    /// How far the one under way is, or how the last one ended.
    pub(crate) fn report(&self, gateway: &Gateway) -> Report {
        let others = gateway.directory.others.best().map(OthersReport::from);
        match &*self.0.lock() {
            None => Report {
                state: State::None,
                reason: None,
                share: None,
                rate: None,
                sessions: 0,
                asked: 0,
                others,
            },
            Some(Run { wanted, order, state, reason }) => Report {
                state: *state,
                reason: *reason,
                share: Some(wanted.share),
                rate: Some(wanted.rate),
                sessions: order.total(),
                asked: order.asked(),
                others,
            },
        }
    }

    /// How many sessions the one under way is still to ask.
    pub(crate) fn left(&self) -> Option<usize> {
        let run = self.0.lock();
        let run = run.as_ref().filter(|run| run.state == State::Running)?;
        Some(run.order.total().saturating_sub(run.order.asked()))
    }
}

/// Lets sessions go until all were asked, or no more can be.
async fn keep_pace(gateway: &Gateway, order: &Order, rate: u32) -> Result<(), &'static str> {
    let start = Instant::now();
    let mut pace = Pace::new(rate, Duration::ZERO);
    let mut steps = interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while order.asked() < order.total() && !order.is_done() && !order.is_over() {
        steps.tick().await;
        if gateway.admission.is_leaving() {
            return Err("draining");
        }
        let others = gateway.directory.others.best();
        let let_go = pace.step(start.elapsed(), others).map_err(Blocked::as_str)?;
        order.let_go(let_go);
    }
    Ok(())
}

fn conflict(detail: &str) -> Problem {
    Problem::new(409, "Conflict", detail)
}

fn refused(blocked: Blocked) -> Problem {
    let code = blocked.as_str();
    match blocked {
        Blocked::Alone => conflict(blocked.detail()).coded(code),
        Blocked::Unheard | Blocked::Full => Problem::unavailable(blocked.detail()).coded(code),
    }
}
