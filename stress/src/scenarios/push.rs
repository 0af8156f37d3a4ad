//! `stress push`: opens sessions, pushes to them through pusher-api, and waits until everything
//! that was accepted has arrived.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ::settings::{ConfigError, Secret};

use super::{Run, Trouble};
use crate::{
    plan,
    pusher::{self, Limit, Order, Outcome},
    settings::{Mode, Push, Pushes, Recipients},
};

const DEFAULT_PERIOD: Duration = Duration::from_secs(20);
/// Nothing more comes after nothing has come for so long.
const SILENCE: Duration = Duration::from_secs(5);
/// The smallest data that has room for its stamp.
const MIN_PAYLOAD: usize = 64;

/// Runs it; whether every session was held and every accepted message arrived.
pub(crate) fn push(settings: &Push) -> Result<bool, Trouble> {
    let mut order = order(settings)?;
    let mut run = Run::start("push", &settings.sessions)?;
    run.ramp();
    order.online = Arc::new(run.fleet.online());
    let before = run.progress().messages;
    let (outcome, expected) = match order.recipients {
        _ if order.online.is_empty() => (Outcome::default(), 0),
        Recipients::Random => run.push_random(&order)?,
        Recipients::All => run.push_all(&order)?,
    };
    run.hold(settings.sessions.hold.unwrap_or_default());
    run.finish(|report, tally| report.with_pushes(outcome, expected, tally.messages - before))
}

impl Run {
    /// Pushes to one user at a time.
    fn push_random(&mut self, order: &Order) -> Result<(Outcome, u64), Trouble> {
        let before = self.progress().messages;
        let outcome = self.push_order(order)?;
        self.await_messages(before + outcome.accepted);
        let expected = outcome.accepted;
        Ok((outcome, expected))
    }

    /// Pushes to everybody, one message after another, each waited for.
    fn push_all(&mut self, order: &Order) -> Result<(Outcome, u64), Trouble> {
        let mut total = (Outcome::default(), 0);
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
            let expected = outcome.accepted * before.open;
            self.await_messages(before.messages + expected);
            total.1 += expected;
            total.0.merge(outcome);
            number += 1;
        }
        Ok(total)
    }

    /// Sends in a thread of its own while progress is shown.
    fn push_order(&mut self, order: &Order) -> Result<Outcome, Trouble> {
        let interrupted = Arc::clone(&self.interrupted);
        let order = order.clone();
        let sender = thread::Builder::new()
            .name("pusher".into())
            .spawn(move || pusher::run(&order, &interrupted))?;
        while !sender.is_finished() {
            self.fleet.listen(Instant::now() + super::LOOK_EVERY);
            self.display.update("pushing", self.fleet.progress());
        }
        Ok(sender.join().expect("the pusher does not panic")?)
    }

    /// Waits until so many messages have arrived in all, or nothing comes any more.
    fn await_messages(&mut self, expected: u64) {
        let mut last = (0, Instant::now());
        self.wait("receiving", |fleet| {
            let messages = fleet.progress().messages;
            if messages != last.0 {
                last = (messages, Instant::now());
            }
            messages >= expected || last.1.elapsed() >= SILENCE
        });
    }
}

fn order(settings: &Push) -> Result<Order, ConfigError> {
    let Push { sessions, pushes } = settings;
    if !(MIN_PAYLOAD..=protocol::push::MAX_PAYLOAD_BYTES).contains(&pushes.payload) {
        let problem = format!("{} bytes is out of range", pushes.payload);
        return Err(ConfigError::new("--payload", problem, "give 64B to 64KiB"));
    }
    if pushes.api.scheme != "http" {
        let problem = format!("{} is no http:// URL", pushes.api);
        return Err(ConfigError::new("--api", problem, "give one like http://127.0.0.1:8090"));
    }
    let key = Secret::load("api-key", pushes.api_key.as_ref(), pushes.api_key_file.as_deref())?;
    let (connections, batch) = shape(pushes);
    Ok(Order {
        addresses: plan::addresses("--api", &pushes.api)?,
        host: pushes.api.host.clone(),
        key: key.map(|key| key.expose().to_owned()),
        mode: mode(pushes),
        connections,
        batch,
        payload: pushes.payload,
        recipients: pushes.push_to,
        user_prefix: sessions.user_prefix.clone(),
        online: Arc::default(),
        rate: f64::from(pushes.push_rate),
        limit: match (pushes.push_total, pushes.push_for) {
            (Some(total), _) => Limit::Messages(total),
            (None, period) => Limit::Time(period.unwrap_or(DEFAULT_PERIOD)),
        },
        first: 0,
    })
}

/// A broadcast is one message: there is nothing to batch.
fn mode(pushes: &Pushes) -> Mode {
    match pushes.push_to {
        Recipients::All => Mode::Single,
        Recipients::Random => pushes.push_mode,
    }
}

/// Connections, and messages in a request.
fn shape(pushes: &Pushes) -> (usize, u64) {
    let given = pushes.push_connections.map(|connections| connections as usize);
    match (pushes.push_to, pushes.push_mode) {
        (Recipients::All, _) => (1, 1),
        (_, Mode::Single) => (given.unwrap_or(64), 1),
        (_, Mode::Batch) => (given.unwrap_or(4), u64::from(pushes.batch_size)),
    }
}
