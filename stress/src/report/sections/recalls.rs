//! Sessions that their server has asked to come back: how many did, and how evenly.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{
    measurements::{quantiles::Quantiles, recalls::Recalls},
    report::record::Record,
    session::failure::Failure,
    settings::phase::Phase,
};

/// After so many seconds in which nobody was asked, what follows is another rollout.
const GAP_SECONDS: u64 = 5;

/// What became of those who were asked.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecallsReport<'a> {
    /// How many were asked.
    pub asked: u64,
    /// The same by the reason that they were told.
    pub reasons: &'a BTreeMap<String, u64>,
    /// How many came back.
    pub returned: u64,
    /// How many were on their way in the end.
    pub away: u64,
    /// How many could not come back in time.
    pub failed: u64,
    /// Sessions that were cut off instead of being asked.
    pub lost_without_a_word: u64,
    /// From when each was to come back until it was held, with all tries in between.
    pub took: Option<Quantiles>,
    /// How long messages took to those who were there while others were away.
    pub others: Option<Quantiles>,
    /// How many came back in a second, by rollout.
    pub rollouts: Vec<Rollout>,
}

/// Sessions that were asked one after another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Rollout {
    /// When the first was asked, in seconds since the epoch.
    pub began: u64,
    /// How many were asked.
    pub asked: u64,
    /// Over so many seconds, the first and the last of them in part.
    pub seconds: u64,
    /// How many seconds are compared.
    pub compared: u64,
    /// How many would have come back in each of those if all had been asked evenly.
    pub even: f64,
    /// How many did in the second with the fewest.
    pub least: u64,
    /// In the median one.
    pub median: u64,
    /// In the one with the most.
    pub most: u64,
    /// How far a second was from even at most, as a share of it.
    pub off: f64,
}

impl<'a> RecallsReport<'a> {
    /// What a record says of them; nothing where nobody was asked.
    pub(crate) fn new(record: &'a Record) -> Option<Self> {
        let tally = &record.tally;
        let recalls = &tally.recalls;
        let wordless = tally.losses.iter().filter(|(failure, _)| is_wordless(failure));
        (recalls.asked() > 0).then(|| Self {
            asked: recalls.asked(),
            reasons: &recalls.reasons,
            returned: recalls.returned.held,
            away: recalls.away(),
            failed: recalls.failed,
            lost_without_a_word: wordless.fold(0, |sum, (_, count)| sum.saturating_add(count)),
            took: recalls.returned.connect.quantiles(),
            others: tally.phases.get(&Phase::Return).and_then(|others| others.latency.quantiles()),
            rollouts: rollouts(recalls),
        })
    }
}

/// Whether nothing was said to a session before its end.
fn is_wordless(failure: &Failure) -> bool {
    matches!(failure, Failure::Eof(_) | Failure::Socket(..) | Failure::Worker)
}

/// Those who were asked, split where nobody was for a while.
fn rollouts(recalls: &Recalls) -> Vec<Rollout> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for second in recalls.per_second.keys() {
        match spans.last_mut() {
            Some((_, last)) if *second <= last.saturating_add(GAP_SECONDS) => *last = *second,
            _ => spans.push((*second, *second)),
        }
    }
    spans.into_iter().map(|(first, last)| rollout(recalls, first, last)).collect()
}

/// Compared are the seconds in which as many come as are asked: from when the first may have had the longest pause
/// until the last was asked. Where there is none, those in which somebody came.
fn rollout(recalls: &Recalls, first: u64, last: u64) -> Rollout {
    let asked = sum(&recalls.per_second, first, last);
    let (_, longest) = recalls.pauses.unwrap_or_default();
    let longest = longest.div_ceil(1000);
    let (begin, end) = (first.saturating_add(1).saturating_add(longest), last.saturating_sub(1));
    let (whole, of_all) = (first.saturating_add(1), &recalls.returned.per_second);
    let (counts, even) = match begin <= end {
        // The first and the last of those who were asked share their seconds with nobody.
        true => (counts(of_all, begin, end), mean(&recalls.per_second, whole, end)),
        false => {
            let until = last.saturating_add(longest).saturating_add(1);
            let came = of_all.range(first..=until).map(|(second, _)| *second);
            let (begin, end) = (came.clone().min().unwrap_or(first), came.max().unwrap_or(first));
            (counts(of_all, begin, end), mean(of_all, begin, end))
        }
    };
    let furthest = counts.iter().map(|count| (*count as f64 - even).abs()).fold(0.0, f64::max);
    Rollout {
        began: first,
        asked,
        seconds: (last - first).saturating_add(1),
        compared: counts.len() as u64,
        even,
        least: counts.first().copied().unwrap_or_default(),
        median: counts.get(counts.len() / 2).copied().unwrap_or_default(),
        most: counts.last().copied().unwrap_or_default(),
        off: if even > 0.0 { furthest / even } else { 0.0 },
    }
}

fn sum(per_second: &BTreeMap<u64, u64>, begin: u64, end: u64) -> u64 {
    per_second.range(begin..=end).fold(0, |sum, (_, count)| sum.saturating_add(*count))
}

fn mean(per_second: &BTreeMap<u64, u64>, begin: u64, end: u64) -> f64 {
    sum(per_second, begin, end) as f64 / ((end - begin).saturating_add(1)) as f64
}

/// The counts of all these seconds, the smallest first.
fn counts(per_second: &BTreeMap<u64, u64>, begin: u64, end: u64) -> Vec<u64> {
    // A report may say anything; nobody comes back for more than a day.
    let end = end.min(begin.saturating_add(86_400));
    let count = |second| per_second.get(&second).copied().unwrap_or_default();
    let mut counts: Vec<_> = (begin..=end).map(count).collect();
    counts.sort_unstable();
    counts
}

impl fmt::Display for RecallsReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, reasons, returned, away, failed, lost_without_a_word, .. } = self;
        write!(f, "asked back   {asked} by their server (")?;
        for (place, (reason, count)) in reasons.iter().enumerate() {
            let joint = if place > 0 { ", " } else { "" };
            write!(f, "{joint}{count} × {}", reason.escape_debug())?;
        }
        writeln!(
            f,
            "): {returned} returned, {away} on their way, {failed} could not; {lost_without_a_word} \
             were cut off without a word"
        )?;
        self.rollouts.iter().try_for_each(|rollout| rollout.fmt(f))?;
        if let Some(took) = &self.took {
            writeln!(f, "  back       {took}")?;
        }
        match &self.others {
            Some(others) => writeln!(f, "  others     {others}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Rollout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, seconds, compared, even, least, median, most, off, .. } = self;
        writeln!(
            f,
            "  a second   {least} least, {median} median, {most} most, {even:.1} if even, off by \
             {:.0} % at most, over {compared} s; {asked} were asked within {seconds} s",
            off * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// So many a second are asked from one second to another, and come back after one that is told.
    fn asked(recalls: &mut Recalls, seconds: std::ops::Range<u64>, each: u64, millis: u64) {
        for second in seconds {
            for _ in 0..each {
                let now = second * 1_000_000;
                let after = Duration::from_millis(millis);
                recalls.on_asked("draining", after, now);
                let back = now + millis * 1000;
                recalls.returned.on_held(back, back);
            }
        }
    }

    #[test]
    fn seconds_are_held_against_an_even_spread() {
        let mut recalls = Recalls::default();
        asked(&mut recalls, 100..120, 10, 2000);
        let even = rollouts(&recalls);
        let expected = Rollout {
            began: 100,
            asked: 200,
            seconds: 20,
            compared: 16,
            even: 10.0,
            least: 10,
            median: 10,
            most: 10,
            off: 0.0,
        };
        assert_eq!(even, [expected]);
        // Five more come in one second, as many fewer in another.
        recalls.returned.per_second.insert(110, 15);
        recalls.returned.per_second.insert(111, 5);
        let [uneven] = rollouts(&recalls)[..] else { panic!("one") };
        assert_eq!((uneven.least, uneven.median, uneven.most), (5, 10, 15));
        assert_eq!(uneven.off, 0.5);
    }

    #[test]
    fn what_is_apart_is_another_rollout() {
        let mut recalls = Recalls::default();
        asked(&mut recalls, 100..120, 10, 2000);
        asked(&mut recalls, 130..150, 30, 2000);
        let found = rollouts(&recalls);
        let of = |it: &Rollout| (it.began, it.asked, it.least, it.most);
        assert_eq!(
            found.iter().map(of).collect::<Vec<_>>(),
            [(100, 200, 10, 10), (130, 600, 30, 30)]
        );
    }

    #[test]
    fn few_are_compared_as_they_come() {
        let mut recalls = Recalls::default();
        asked(&mut recalls, 100..101, 7, 2000);
        let [only] = rollouts(&recalls)[..] else { panic!("one") };
        assert_eq!((only.compared, only.least, only.most, only.even), (1, 7, 7, 7.0));
        recalls.returned = Default::default();
        let [nobody] = rollouts(&recalls)[..] else { panic!("one") };
        assert_eq!((nobody.most, nobody.off), (0, 0.0));
        assert_eq!(rollouts(&Recalls::default()), []);
    }

    #[test]
    fn strange_reports_do_no_harm() {
        let mut recalls = Recalls { pauses: Some((0, u64::MAX)), ..Recalls::default() };
        recalls.per_second = [(0, 1), (u64::MAX, u64::MAX)].into();
        recalls.returned.per_second = recalls.per_second.clone();
        assert_eq!(rollouts(&recalls).len(), 2);
        recalls.pauses = None;
        recalls.per_second = (0..u64::MAX).step_by(1 << 61).map(|second| (second, 1)).collect();
        assert_eq!(rollouts(&recalls).len(), 8);
    }
}
