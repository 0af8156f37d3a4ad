//! `stress push`: opens sessions, pushes to them through pusher-api, and waits until everything
//! that was accepted has arrived.

use std::{
    sync::{Arc, atomic::AtomicU8},
    time::{Duration, Instant},
};

use ::settings::ConfigError;

use super::{
    messages,
    returning::{missed, returns},
    run::Run,
    trouble::Trouble,
};
use crate::{
    fleet::{member::Part, plan::Course},
    measurements::asked::AskedRate,
    report::pushed::Pushed,
    settings::{
        phase::Phase,
        phases::{Kind, Limit, Mode, Recipients, Step, repeated},
        pushes::Pushes,
        scenarios::Push,
    },
    traffic::pusher::{order::Order, outcome::Outcome},
};

const DEFAULT_PERIOD: Duration = Duration::from_secs(20);
/// The smallest data that has room for its stamp.
const MIN_PAYLOAD: usize = 96;

/// Runs it; whether every session was held and every accepted message arrived.
pub(crate) fn push(settings: &Push) -> Result<bool, Trouble> {
    let steps = steps(&settings.pushes)?;
    check_topic(settings, &steps)?;
    let order = order(settings)?;
    let course = Course { returns: returns(&settings.returning, true), ..Course::default() };
    let mut run = Run::start("push", &settings.sessions, course)?;
    run.ramp(&settings.sessions);
    let order = Order { online: Arc::new(run.fleet.online(Part::All)), ..order };
    let before = run.progress().arrived;
    let mut total = Pushed { expected: Some(0), due: Some(0), ..Pushed::default() };
    for step in steps {
        match step {
            Step::Hold(period) => run.hold(period),
            Step::Push(_) if order.online.is_empty() => {}
            Step::Push(kind) => {
                let pushed = run.push_kind(&order, kind, &settings.pushes)?;
                if let Some(phase) = kind.phase {
                    run.record.phases.insert(phase, pushed.clone());
                }
                total.merge(pushed);
            }
        }
    }
    run.hold(settings.sessions.hold.unwrap_or_default());
    run.finish(|record| {
        // Some may have come late, in a phase that was not theirs.
        let arrived = record.tally.proofs.arrived - before;
        let missed = missed(&mut record.tally.recalls, &order);
        record.pushes = Some(Pushed { arrived, missed, ..total });
    })
}

impl Run {
    /// Pushes in one way until it is done and everything has arrived.
    fn push_kind(&mut self, order: &Order, kind: Kind, pushes: &Pushes) -> Result<Pushed, Trouble> {
        let (connections, batch) = shape(kind, pushes);
        let Kind { phase, mode, recipients, rate, limit } = kind;
        let told = Arc::new(AtomicU8::new(phase.map_or(0, |phase| phase as u8)));
        // Phases that were asked for have names of their own.
        self.phase = (self.returns() && phase.is_none()).then(|| Arc::clone(&told));
        self.tell_who_pushes();
        let (rate, phase) = (f64::from(rate), told);
        let order =
            Order { connections, batch, phase, mode, recipients, rate, limit, ..order.clone() };
        let before = self.progress();
        let pushed = match recipients {
            Recipients::Random => self.push_random(&order)?,
            Recipients::All | Recipients::Topic => self.push_all(&order)?,
        };
        let asked = AskedRate::of(rate, pushed.outcome.offered, pushed.outcome.seconds);
        let now = self.progress();
        let (arrived, missed) = (now.arrived - before.arrived, now.missed - before.missed);
        Ok(Pushed { arrived, missed, rate: asked, ..pushed })
    }

    /// Pushes to one user at a time.
    fn push_random(&mut self, order: &Order) -> Result<Pushed, Trouble> {
        let before = self.progress().accounted();
        let outcome = self.push_order(order)?;
        self.await_messages(before + outcome.accepted);
        Ok(Pushed::to_one_each(outcome))
    }

    /// Pushes to everybody, or to the topic that everybody has, one message after another, each waited for.
    fn push_all(&mut self, order: &Order) -> Result<Pushed, Trouble> {
        let mut total = Pushed { expected: Some(0), due: Some(0), ..Pushed::default() };
        let started = Instant::now();
        let is_over = |sent: u64| match order.limit {
            Limit::Messages(messages) => sent >= messages,
            Limit::Time(period) => started.elapsed() >= period,
        };
        let mut number = 0;
        while !is_over(number) && !self.is_interrupted() {
            let before = self.progress();
            let one = Order { limit: Limit::Messages(1), first: number, ..order.clone() };
            let outcome = self.push_order(&one)?;
            let [expected, due] = [outcome.accepted, outcome.offered].map(|it| it * before.open);
            self.await_messages(before.accounted() + expected);
            // Where sessions go and come meanwhile, nobody knows how many there were to get it.
            let known = |count| (!self.returns()).then_some(count);
            let (expected, due) = (known(expected), known(due));
            total.merge(Pushed { outcome, expected, due, ..Pushed::default() });
            number += 1;
        }
        Ok(total)
    }

    fn push_order(&mut self, order: &Order) -> Result<Outcome, Trouble> {
        let messages = self.start_messages(order.clone())?;
        Ok(self.join_messages(messages)?)
    }
}

fn order(settings: &Push) -> Result<Order, ConfigError> {
    let Push { sessions, pushes, .. } = settings;
    if !(MIN_PAYLOAD..=protocol::push::MAX_PAYLOAD_BYTES).contains(&pushes.payload) {
        let problem = format!("{} bytes is out of range", pushes.payload);
        return Err(ConfigError::new("--payload", problem, "give 96B to 64KiB"));
    }
    let order = messages::order(&pushes.api, &pushes.key, sessions)?;
    Ok(Order { payload: pushes.payload, ..order })
}

/// What to do one after another: what --phase says, or the one kind that the other flags say.
fn steps(pushes: &Pushes) -> Result<Vec<Step>, ConfigError> {
    if let Some(phase) = repeated(&pushes.phases) {
        let problem = format!("{} stands there twice", phase.as_str());
        return Err(ConfigError::new("--phase", problem, "give each kind of pushes once"));
    }
    if !pushes.phases.is_empty() {
        return Ok(pushes.phases.clone());
    }
    let only = Kind {
        phase: (pushes.push_to == Recipients::Topic).then_some(Phase::Topic),
        mode: pushes.push_mode,
        recipients: pushes.push_to,
        rate: pushes.push_rate,
        limit: match (pushes.push_total, pushes.push_for) {
            (Some(total), _) => Limit::Messages(total),
            (None, period) => Limit::Time(period.unwrap_or(DEFAULT_PERIOD)),
        },
    };
    // A broadcast is one message: there is nothing to batch.
    let mode = if only.recipients == Recipients::Random { only.mode } else { Mode::Single };
    Ok(vec![Step::Push(Kind { mode, ..only })])
}

/// Messages to a topic need one that the sessions have.
fn check_topic(settings: &Push, steps: &[Step]) -> Result<(), ConfigError> {
    let wanted =
        |step: &Step| matches!(step, Step::Push(kind) if kind.recipients == Recipients::Topic);
    if settings.sessions.topic.is_none() && steps.iter().any(wanted) {
        let problem = "is missing, and messages are for it";
        return Err(ConfigError::new("--topic", problem, "give the topic that tokens shall name"));
    }
    Ok(())
}

/// Connections, and messages in a request.
fn shape(kind: Kind, pushes: &Pushes) -> (usize, u64) {
    let given = pushes.push_connections.map(|connections| connections as usize);
    match (kind.recipients, kind.mode) {
        (Recipients::All | Recipients::Topic, _) => (1, 1),
        (_, Mode::Single) => (given.unwrap_or(64), 1),
        (_, Mode::Batch) => (given.unwrap_or(4), u64::from(pushes.batch_size)),
    }
}
