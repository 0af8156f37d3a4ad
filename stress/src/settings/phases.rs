//! Kinds of pushes that follow each other with the same sessions: what `stress push --phase` takes.

use std::{str::FromStr, time::Duration};

use settings::units;

use super::phase::Phase;

const FORMS: &str = "hold:DURATION, batch:N, single:N, rate:PER_SECOND:DURATION, all:N or topic:N";

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Nothing is pushed.
    Hold(Duration),
    /// Pushes of one kind.
    Push(Kind),
}

/// What kind of pushes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kind {
    /// What reports call it; none where there is only one kind.
    pub phase: Option<Phase>,
    /// How messages travel to pusher-api.
    pub mode: Mode,
    /// Whom they are for.
    pub recipients: Recipients,
    /// Messages per second; 0 is as fast as possible.
    pub rate: u32,
    /// When to stop.
    pub limit: Limit,
}

/// How a message travels to pusher-api.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Many messages in a request.
    Batch,
    /// A request per message.
    Single,
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Recipients {
    /// One user of this run, picked at random for every message.
    Random,
    /// Everybody; one message after another, each waited for.
    All,
    /// The topic that is in all tokens (--topic); one message after another, each waited for.
    Topic,
}

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// After so many messages.
    Messages(u64),
    /// After so long.
    Time(Duration),
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(':').ok_or_else(|| format!("give {FORMS}"))?;
        let flat_out = |phase, mode, recipients| {
            let limit = Limit::Messages(count(rest)?);
            Ok(Self::Push(Kind { phase: Some(phase), mode, recipients, rate: 0, limit }))
        };
        match name {
            "hold" => units::positive_duration(rest).map(Self::Hold),
            "batch" => flat_out(Phase::Batch, Mode::Batch, Recipients::Random),
            "single" => flat_out(Phase::Single, Mode::Single, Recipients::Random),
            "all" => flat_out(Phase::All, Mode::Single, Recipients::All),
            "topic" => flat_out(Phase::Topic, Mode::Single, Recipients::Topic),
            "rate" => {
                let (rate, period) = rest.split_once(':').ok_or("give rate:PER_SECOND:DURATION")?;
                let rate = u32::try_from(count(rate)?).map_err(|error| error.to_string())?;
                let limit = Limit::Time(units::positive_duration(period)?);
                let (phase, mode) = (Some(Phase::Rate), Mode::Batch);
                Ok(Self::Push(Kind { phase, mode, recipients: Recipients::Random, rate, limit }))
            }
            _ => Err(format!("{name:?} is no phase; give {FORMS}")),
        }
    }
}

fn count(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text:?} is not a number above 0")),
        Ok(count) => Ok(count),
    }
}

/// Whether a phase of pushes stands in there twice: reports tell them apart by their names.
pub(crate) fn repeated(steps: &[Step]) -> Option<Phase> {
    let phases = steps.iter().filter_map(|step| match step {
        Step::Push(kind) => kind.phase,
        Step::Hold(_) => None,
    });
    let mut seen = Vec::new();
    phases.into_iter().find(|phase| {
        let again = seen.contains(phase);
        seen.push(*phase);
        again
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let read = |text: &str| text.parse::<Step>().expect(text);
        assert_eq!(read("hold:90s"), Step::Hold(Duration::from_secs(90)));
        let Step::Push(rate) = read("rate:5000:20s") else { panic!("pushes") };
        assert_eq!((rate.phase, rate.rate), (Some(Phase::Rate), 5000));
        assert_eq!(rate.limit, Limit::Time(Duration::from_secs(20)));
        let Step::Push(all) = read("all:5") else { panic!("pushes") };
        assert_eq!((all.recipients, all.limit), (Recipients::All, Limit::Messages(5)));
        let Step::Push(topic) = read("topic:5") else { panic!("pushes") };
        assert_eq!((topic.recipients, topic.phase), (Recipients::Topic, Some(Phase::Topic)));
    }

    #[test]
    fn others_are_refused_with_the_right_ones() {
        for text in ["batch", "batch:0", "batch:x", "hold:0s", "rate:5000", "rate:0:1s", "storm:5"]
        {
            let error = text.parse::<Step>().expect_err(text);
            assert!(
                error.contains("give") || error.contains("above 0") || error.contains("must"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_kind_may_come_once() {
        let steps: Vec<_> =
            ["hold:1s", "batch:5", "hold:1s", "all:1"].map(|it| it.parse().expect(it)).into();
        assert_eq!(repeated(&steps), None);
        let twice = [&steps[..], &["batch:7".parse().expect("a phase")]].concat();
        assert_eq!(repeated(&twice), Some(Phase::Batch));
    }
}
