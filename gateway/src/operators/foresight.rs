//! What will stop sessions before `--max-sessions`, said at the start and not when it happens.

use std::thread;

use limits::{Assessment, Machine, Question, machine::Depth, row::Row};
use tracing::{debug, info, warn};

/// Looks whether the machine has room for so many sessions, all of them over TLS where clients are taken inside it, on
/// a thread of its own, so that nobody waits for it. `is_asked_for` says whether somebody wants that many.
pub(crate) fn spawn(sessions: usize, over_tls: bool, is_asked_for: bool) {
    let look = move || look(sessions, over_tls, is_asked_for);
    if let Err(error) = thread::Builder::new().name("foresight".to_owned()).spawn(look) {
        debug!(%error, "the machine's limits are not looked at");
    }
}

fn look(sessions: usize, over_tls: bool, is_asked_for: bool) {
    let sessions = u64::from(u32::try_from(sessions).unwrap_or(u32::MAX));
    let question = Question { sessions, process: None, with_client: false, over_tls };
    match Machine::read(None, Depth::Settings) {
        Ok(machine) => report(&Assessment::new(question, &machine), is_asked_for),
        Err(error) => debug!(%error, "the machine's limits cannot be read"),
    }
}

fn report(found: &Assessment, is_asked_for: bool) {
    let (fits, stopped_by) = (found.fits.unwrap_or(u64::MAX), found.stopped_by.unwrap_or("none"));
    info!(fits, stopped_by, "sessions that fit");
    // Without --max-sessions nobody has said how many are wanted.
    for row in found.bad().filter(|_| is_asked_for) {
        let Row { limit, current, needed, fits, symptom, cure, .. } = row;
        match fits {
            Some(fits) if *fits < found.question.sessions => {
                warn!(limit, current, needed, fits, symptom, cure, "stops before --max-sessions");
            }
            _ => warn!(limit, current, needed, symptom, cure, "too low for --max-sessions"),
        }
    }
}
