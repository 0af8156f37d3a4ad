//! `stress storm`: drops many sessions at once and lets them come back, and looks at what that
//! does to the others and to memory.
//!
//! Those that will be dropped are opened last, so that memory can be read with the others alone:
//! that is where it should return to.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ::settings::ConfigError;
use limits::KernelMemory;
use protocol::clock;

use super::{
    messages::{self, Messages},
    run::Run,
    trouble::Trouble,
};
use crate::{
    fleet::{member::Part, plan::Course, workers::Manner},
    measurements::{
        asked::AskedRate,
        storm::{Moment, Reading, Storm},
    },
    report::pushed::Pushed,
    settings::{phase::Phase, phases::Mode, scenarios::Storm as Settings, sessions::Sessions},
    traffic::pusher::order::Order,
};

const DEFAULT_HOLD: Duration = Duration::from_secs(5);
/// How long gateways may take to say what they hold, when memory is read.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// How often they are asked while sessions are dropped.
const LOOK_CLOSELY_EVERY: Duration = Duration::from_millis(200);
/// How long it may take until they are gone.
const GONE_WITHIN: Duration = Duration::from_secs(120);
/// Connections that carry the messages to the others.
const CONNECTIONS: usize = 4;
/// Most messages in a request.
const BATCH: u64 = 500;

/// Runs it; whether all others were held and all that were dropped came back.
pub(crate) fn storm(settings: &Settings) -> Result<bool, Trouble> {
    let drop = to_drop(settings)?;
    let order = order(settings)?;
    let course = Course { dropped: drop, ..Course::default() };
    let mut run = Run::start("storm", &settings.sessions, course)?;
    let mut storm = Storm { drop: drop.into(), ..Storm::default() };
    run.gather(&settings.sessions, &mut storm);
    let messages = order.map(|order| run.start_order(order)).transpose()?.flatten();
    // Ctrl-C ends it in between, with the report so far.
    let _ = run.weather(settings, &mut storm, messages.as_ref());
    let pushed = messages.map(|messages| run.finish_messages(messages)).transpose()?;
    if let Some((outcome, before)) = &pushed {
        run.await_messages(before + outcome.accepted);
    }
    run.finish(|record| {
        record.storms.push(storm);
        record.pushes = pushed.map(|(outcome, before)| {
            let arrived = record.tally.proofs.arrived - before;
            let rate = f64::from(settings.push_rate);
            let rate = AskedRate::of(rate, outcome.offered, outcome.seconds);
            Pushed { arrived, rate, ..Pushed::to_one_each(outcome) }
        });
    })
}

impl Run {
    /// Opens the others, then those that will be dropped.
    fn gather(&mut self, sessions: &Sessions, storm: &mut Storm) {
        for (part, moment) in [(Part::Kept, Moment::Before), (Part::Rest, Moment::Full)] {
            if !self.is_interrupted() {
                self.open(part, sessions);
                self.read_memory(moment, storm);
            }
        }
    }

    /// Sends to the others from now on, if there are any.
    fn start_order(&mut self, order: Order) -> Result<Option<Messages>, Trouble> {
        let online = Arc::new(self.fleet.online(Part::Kept));
        if online.is_empty() || self.is_interrupted() {
            return Ok(None);
        }
        Ok(Some(self.start_messages(Order { online, ..order })?))
    }

    /// The storm itself; `None` if it was interrupted.
    fn weather(
        &mut self,
        settings: &Settings,
        storm: &mut Storm,
        messages: Option<&Messages>,
    ) -> Option<()> {
        let enter = |phase| messages.iter().for_each(|messages| messages.enter(phase));
        enter(Phase::Steady);
        self.hold(settings.sessions.hold.unwrap_or(DEFAULT_HOLD));
        self.go_on()?;
        enter(Phase::Drop);
        self.drop_rest(settings, storm)?;
        self.read_memory(Moment::Gone, storm);
        enter(Phase::After);
        self.hold(settings.settle);
        self.read_memory(Moment::Settled, storm);
        self.go_on()?;
        enter(Phase::Reopen);
        self.reopen(settings.reopen_timeout, storm)?;
        self.read_memory(Moment::Reopened, storm);
        Some(())
    }

    fn go_on(&self) -> Option<()> {
        (!self.is_interrupted()).then_some(())
    }

    /// Drops sessions, and waits until the gateways know.
    fn drop_rest(&mut self, settings: &Settings, storm: &mut Storm) -> Option<()> {
        let held = self.watch.as_ref().and_then(|watch| watch.latest());
        if let Some(watch) = &self.watch {
            watch.set_interval(LOOK_CLOSELY_EVERY);
        }
        let before = self.progress();
        let begun = Instant::now();
        storm.dropped_at = Some(clock::micros_since_epoch());
        self.fleet.drop_rest(settings.drop_over);
        self.wait("dropping", |run| run.fleet.is_settled());
        self.go_on()?;
        storm.closed_seconds = Some(begun.elapsed().as_secs_f64());
        let now = self.progress();
        let dropped = before.open.saturating_sub(now.open + (now.lost - before.lost));
        if let Some(held) = held {
            let rest = held.sessions.saturating_sub(dropped);
            let deadline = begun + GONE_WITHIN;
            let gone = |run: &Self| {
                let said = run.watch.as_ref().and_then(|watch| watch.after(begun));
                said.is_some_and(|said| said.sessions <= rest)
            };
            self.wait("waiting for the gateways", |run| gone(run) || Instant::now() > deadline);
            storm.gone_seconds = gone(self).then(|| begun.elapsed().as_secs_f64());
        }
        if let Some(watch) = &self.watch {
            watch.set_interval(settings.sessions.watching.sample);
        }
        self.go_on()
    }

    /// Opens what was dropped, all at once; who is refused tries again.
    fn reopen(&mut self, within: Duration, storm: &mut Storm) -> Option<()> {
        let begun = Instant::now();
        let failed = self.progress().failed;
        self.fleet.open(
            Part::Rest,
            Manner {
                rate: 0.0,
                retries: u32::MAX,
                until: Some(clock::micros_since_epoch() + within.as_micros() as u64),
                returning: true,
            },
        );
        self.wait("reopening", |run| run.fleet.is_settled());
        self.go_on()?;
        let all = self.progress().failed == failed;
        storm.reopen_seconds = all.then(|| begun.elapsed().as_secs_f64());
        Some(())
    }

    /// Asks everybody for their memory.
    fn read_memory(&mut self, moment: Moment, storm: &mut Storm) {
        let asked = Instant::now();
        let said = |run: &Self| run.watch.as_ref().and_then(|watch| watch.after(asked));
        self.wait("reading memory", |run| {
            run.watch.is_none() || said(run).is_some() || asked.elapsed() > READ_WITHIN
        });
        if self.go_on().is_some() {
            storm.memory.push(Reading {
                moment,
                gateways: said(self).map(|gateways| gateways.memory),
                kernel: KernelMemory::now(),
                client: self.fleet.memory(),
            });
        }
    }
}

fn to_drop(settings: &Settings) -> Result<u32, ConfigError> {
    let sessions = settings.sessions.sessions;
    let drop = settings.drop.unwrap_or(sessions / 3);
    if (1..sessions).contains(&drop) {
        return Ok(drop);
    }
    let problem = format!("{drop} of {sessions} sessions would be dropped");
    let expected = "drop at least one and fewer than --sessions, so that there are others";
    Err(ConfigError::new("--drop", problem, expected))
}

fn order(settings: &Settings) -> Result<Option<Order>, ConfigError> {
    let order = messages::order_if_any(&settings.api, &settings.sessions)?;
    Ok(order.map(|order| Order {
        mode: Mode::Batch,
        connections: CONNECTIONS,
        batch: BATCH,
        rate: f64::from(settings.push_rate),
        ..order
    }))
}
