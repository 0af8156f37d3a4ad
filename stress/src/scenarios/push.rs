//! `stress push`: opens sessions, pushes to them through pusher-api, and waits until everything
//! that was accepted has arrived.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ::settings::ConfigError;

use super::{Run, Trouble, messages};
use crate::{
    fleet::Part,
    pusher::{Limit, Order, Outcome},
    record::Pushed,
    settings::{Mode, Push, Pushes, Recipients},
};

const DEFAULT_PERIOD: Duration = Duration::from_secs(20);
/// The smallest data that has room for its stamp.
const MIN_PAYLOAD: usize = 64;

/// Runs it; whether every session was held and every accepted message arrived.
pub(crate) fn push(settings: &Push) -> Result<bool, Trouble> {
    let mut order = order(settings)?;
    let mut run = Run::start("push", &settings.sessions, 0)?;
    run.ramp(&settings.sessions);
    order.online = Arc::new(run.fleet.online(Part::All));
    let before = run.progress().messages;
    let (outcome, expected) = match order.recipients {
        _ if order.online.is_empty() => (Outcome::default(), 0),
        Recipients::Random => run.push_random(&order)?,
        Recipients::All => run.push_all(&order)?,
    };
    run.hold(settings.sessions.hold.unwrap_or_default());
    run.finish(|record| {
        let arrived = record.tally.messages - before;
        record.pushes = Some(Pushed { outcome, expected: Some(expected), arrived });
    })
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

    fn push_order(&mut self, order: &Order) -> Result<Outcome, Trouble> {
        let messages = self.start_messages(order.clone())?;
        Ok(self.join_messages(messages)?)
    }
}

fn order(settings: &Push) -> Result<Order, ConfigError> {
    let Push { sessions, pushes } = settings;
    if !(MIN_PAYLOAD..=protocol::push::MAX_PAYLOAD_BYTES).contains(&pushes.payload) {
        let problem = format!("{} bytes is out of range", pushes.payload);
        return Err(ConfigError::new("--payload", problem, "give 64B to 64KiB"));
    }
    let door = messages::Door {
        api: &pushes.api,
        key: pushes.api_key.as_ref(),
        key_file: pushes.api_key_file.as_deref(),
    };
    let (connections, batch) = shape(pushes);
    Ok(Order {
        mode: mode(pushes),
        connections,
        batch,
        payload: pushes.payload,
        recipients: pushes.push_to,
        rate: f64::from(pushes.push_rate),
        limit: match (pushes.push_total, pushes.push_for) {
            (Some(total), _) => Limit::Messages(total),
            (None, period) => Limit::Time(period.unwrap_or(DEFAULT_PERIOD)),
        },
        ..messages::order(&door, sessions)?
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
