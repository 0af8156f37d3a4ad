//! Runs: each time the file is opened, numbers that are given from there on have a check of their own.

use protocol::kept::Place;
use rusqlite::{Connection, OptionalExtension as _, Result};

use super::counts::count;

/// So many runs are remembered; numbers of older ones are no longer believed.
const REMEMBERED: usize = 1000;

/// From which number on which check holds, in order.
#[derive(Debug, Default, Clone)]
pub(super) struct Runs(Vec<(i64, u32)>);

impl Runs {
    /// Reads those there are, unless the newest is the one that is known.
    pub(super) fn refresh(&mut self, connection: &Connection) -> Result<()> {
        let newest = "SELECT first, tag FROM runs ORDER BY first DESC LIMIT 1";
        let newest = connection
            .prepare_cached(newest)?
            .query_row([], |row| Ok((count(row, 0)?, row.get(1)?)))
            .optional()?;
        if self.0.last().copied() != newest {
            let mut all =
                connection.prepare_cached("SELECT first, tag FROM runs ORDER BY first")?;
            let rows = all.query_map([], |row| Ok((count(row, 0)?, row.get(1)?)))?;
            self.0 = rows.collect::<Result<_>>()?;
        }
        Ok(())
    }

    /// Begins a run behind this number. A run that gave no number is none.
    pub(super) fn begin(connection: &Connection, number: i64) -> Result<()> {
        let tag = fastrand::u32(1..);
        let begin = "INSERT OR REPLACE INTO runs (first, tag) VALUES (?1, ?2)";
        connection.execute(begin, (number + 1, tag))?;
        let drop_old = "DELETE FROM runs WHERE first < \
                        (SELECT first FROM runs ORDER BY first DESC LIMIT 1 OFFSET ?1)";
        connection.execute(drop_old, [REMEMBERED as i64 - 1])?;
        Ok(())
    }

    /// The place of a number that was given.
    pub(super) fn place(&self, number: i64) -> Place {
        if number <= 0 {
            return Place::START;
        }
        let behind = self.0.partition_point(|(first, _)| *first <= number);
        let check = behind.checked_sub(1).map_or(0, |run| self.0[run].1);
        Place { number: number as u64, check }
    }

    /// The number of a place, if the place is of this history, in which this number was the last to be given.
    pub(super) fn believe(&self, place: Place, last: i64) -> Option<i64> {
        let number = i64::try_from(place.number).ok()?;
        let is_start = place == Place::START;
        let is_given = number <= last && place.check != 0 && self.place(number) == place;
        (is_start || is_given).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_believed_in_its_run_and_no_other() {
        let runs = Runs(vec![(1, 7), (10, 8), (20, 9)]);
        let at = |number, check| runs.believe(Place { number, check }, 25);
        assert_eq!(runs.believe(Place::START, 0), Some(0));
        assert_eq!(
            (at(1, 7), at(9, 7), at(10, 8), at(25, 9)),
            (Some(1), Some(9), Some(10), Some(25))
        );
        assert_eq!((at(10, 7), at(26, 9), at(0, 7), at(u64::MAX, 9)), (None, None, None, None));
        assert_eq!(runs.place(19), Place { number: 19, check: 8 });
    }

    #[test]
    fn numbers_of_forgotten_runs_are_not_believed() {
        let runs = Runs(vec![(10, 8)]);
        assert_eq!(runs.place(9), Place { number: 9, check: 0 });
        assert_eq!(runs.believe(Place { number: 9, check: 0 }, 25), None);
    }
}
