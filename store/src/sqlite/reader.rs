//! A thread that answers questions. It takes what waits and answers all of it from one snapshot.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use rusqlite::Connection;

use super::{
    connection::{self, Purpose},
    failure,
    queue::Queue,
    runs::Runs,
    shared::Shared,
    snapshot::{self, Snapshot},
};

/// So many questions are answered from one snapshot.
const TAKEN: usize = 32;
/// It waits again after this, for nothing in particular.
const WAIT: Duration = Duration::from_secs(60);

/// Answers from what the file is, or says why it cannot be read.
pub(super) type Question = Box<dyn FnOnce(Result<&Snapshot<'_>, &str>) + Send>;

/// Answers until the queue is closed and empty.
pub(super) fn run(shared: &Shared, queue: &Queue<Question>) {
    // Whatever goes wrong with one question must not be the end of all.
    while catch_unwind(AssertUnwindSafe(|| work(shared, queue))).is_err() {}
}

fn work(shared: &Shared, queue: &Queue<Question>) {
    let mut connection = None;
    let mut runs = Runs::default();
    while let Some(taken) = queue.take(TAKEN, WAIT) {
        if taken.is_empty() {
            continue;
        }
        let mut left = Some(taken);
        if let Err(error) = answer(shared, &mut connection, &mut runs, &mut left) {
            let reason = failure::describe(&error);
            left.into_iter().flatten().for_each(|question| question(Err(&reason)));
            // The next ones get another chance with another connection.
            connection = None;
        }
    }
}

fn answer(
    shared: &Shared,
    connection: &mut Option<Connection>,
    runs: &mut Runs,
    left: &mut Option<Vec<Question>>,
) -> rusqlite::Result<()> {
    let open = match connection.take() {
        Some(open) => open,
        None => connection::open(&shared.settings.file(), Purpose::Reading)?,
    };
    let open = connection.insert(open);
    let now = shared.now().millis;
    snapshot::with(open, &shared.settings, runs, now, |snapshot| {
        for question in left.take().unwrap_or_default() {
            question(Ok(snapshot));
        }
    })
}
