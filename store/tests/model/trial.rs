//! One store and one sequence of what it is asked.

use std::{fmt::Debug, time::Duration};

use protocol::{
    Topic, UserId,
    kept::{Log, Place},
};
use store::contract::{Position, Room, Store};

use super::{
    operation::{LOGS, Operation, USERS},
    places::Seen,
    pushes::Taken,
    reference::{Reference, check},
    subject::{Limits, Subject},
    worlds::Worlds,
};

/// What a store was asked, and what it must be.
pub(super) struct Trial<S> {
    pub(super) subject: S,
    /// How far the store's clock was moved.
    pub(super) now: Duration,
    pub(super) logs: Vec<Log>,
    pub(super) worlds: Vec<Worlds>,
    pub(super) seen: Vec<Seen>,
    /// Pushes with an origin.
    pub(super) taken: Vec<Taken>,
    /// The log of each message, in their order.
    pub(super) appended: Vec<usize>,
    /// Positions, and how many messages had been appended.
    positions: Vec<(Position, usize)>,
}

impl<S: Subject> Trial<S> {
    pub(super) fn new(subject: S, limits: Limits) -> Self {
        let users = (0..USERS).map(|user| UserId::new(&format!("user {user}")).unwrap());
        let topic = Log::Topic(Topic::new("topic").unwrap());
        let logs: Vec<_> = users.map(Log::User).chain([topic]).collect();
        let most = |log: &Log| if matches!(log, Log::User(_)) { limits.user } else { limits.topic };
        Self {
            subject,
            now: Duration::ZERO,
            worlds: logs.iter().map(|log| Worlds::of(Reference::new(most(log)))).collect(),
            seen: (0..LOGS).map(|_| Seen::new()).collect(),
            logs,
            taken: Vec::new(),
            appended: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// Asks all of it, and then lets every follower come to the end.
    ///
    /// # Errors
    /// What was asked, and why the answer is wrong.
    pub(super) async fn play(mut self, operations: Vec<Operation>) -> Result<(), String> {
        for (number, operation) in operations.iter().enumerate() {
            let said = |why| format!("operation {number}, {operation:?}: {why}");
            self.ask(operation).await.map_err(said)?;
        }
        for log in 0..LOGS {
            for follower in 0..2 {
                self.catch_up(log, follower).await.map_err(|why| format!("at the end: {why}"))?;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Append(append) => self.append(append).await,
            Operation::Repeat { push, other } => self.repeat(push, *other).await,
            Operation::Begin { user, device, after, room } => {
                self.begin(*user, *device, after.as_ref(), room_of(*room)).await
            }
            Operation::Read { log, from, room } => {
                self.read(*log, from.as_ref(), room_of(*room)).await
            }
            Operation::End { log } => self.read_end(*log).await,
            Operation::Acknowledge(all) => self.acknowledge(all).await,
            Operation::Changed(None) => self.position().await,
            Operation::Changed(Some(_)) if self.positions.is_empty() => self.position().await,
            Operation::Changed(Some(position)) => {
                let (position, since) = position.get(&self.positions).clone();
                let expected = self.appended[since..].to_vec();
                self.changed(position, expected).await
            }
            Operation::ChangedSinceNonsense => {
                let is_kept =
                    |log: &usize| self.worlds[*log].all(|reference| !reference.is_empty());
                let expected = (0..LOGS).filter(is_kept).collect();
                self.changed(Position(b"of another store"[..].into()), expected).await
            }
            Operation::Forget { log } => {
                let deleted = well(self.subject.store().forget(self.logs[*log].clone()).await)?;
                self.worlds[*log].hold(|reference| {
                    let expected = reference.forget();
                    check(deleted == expected, || format!("deleted {deleted}, not {expected}"))
                })
            }
            Operation::Standing { log } => {
                let standing = well(self.subject.store().standing(self.logs[*log].clone()).await)?;
                self.worlds[*log].hold(|reference| reference.check_standing(&standing))?;
                self.seen[*log].end(standing.end);
                Ok(())
            }
            Operation::Advance => {
                self.advance(Duration::from_secs(61 * 60));
                Ok(())
            }
            Operation::Reopen => {
                self.subject.reopen();
                Ok(())
            }
        }
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        self.subject.advance(by);
        let now = self.now;
        self.worlds.iter_mut().for_each(|worlds| worlds.each(|reference| reference.expire(now)));
    }

    async fn position(&mut self) -> Result<(), String> {
        let changes = well(self.subject.store().changed_since(None).await)?;
        check(changes.heads.is_empty() && !changes.more, || format!("since now: {changes:?}"))?;
        self.positions.push((changes.through, self.appended.len()));
        Ok(())
    }

    /// Asks what has changed, until there is no more.
    async fn changed(
        &mut self,
        mut position: Position,
        expected: Vec<usize>,
    ) -> Result<(), String> {
        let mut heads: Vec<(usize, Place)> = Vec::new();
        for turn in 0.. {
            check(turn < 1000, || "there is more for ever".into())?;
            let changes = well(self.subject.store().changed_since(Some(position)).await)?;
            let index = |log| self.logs.iter().position(|known| known == log);
            for (log, place) in &changes.heads {
                heads.push((index(log).ok_or_else(|| format!("changed: {log}"))?, *place));
            }
            position = changes.through;
            if !changes.more {
                break;
            }
        }
        self.positions.push((position, self.appended.len()));
        for (log, place) in &heads {
            self.worlds[*log].hold(|reference| reference.check_end(*place))?;
            self.seen[*log].end(*place);
        }
        let is_named = |log: &usize| heads.iter().any(|(named, _)| named == log);
        check(expected.iter().all(is_named), || format!("{heads:?} are not all of {expected:?}"))
    }
}

pub(super) fn room_of(messages: usize) -> Room {
    Room { messages, bytes: messages * 25 }
}

/// The answer of a store that can be asked.
pub(super) fn well<T, E: Debug>(answer: Result<T, E>) -> Result<T, String> {
    answer.map_err(|error| format!("{error:?}"))
}
