//! What the floor is told on its control port, a line each.

use crate::{
    frame::{ALL, RANDOM, fill, micros},
    pings::Pings,
    sessions::Sessions,
};

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// So many frames of a size, each to a session picked at random
    Random { count: usize, size: usize },
    /// One frame to every session
    All { size: usize, number: usize, due: usize },
    /// How many sessions there are
    Count,
    /// The end
    Quit,
}

impl Command {
    /// What a line says; nothing if it makes no sense.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |index: usize| words.get(index).and_then(|word| word.parse::<usize>().ok());
        match *words.first()? {
            "random" => Some(Self::Random { count: number(1)?, size: number(2)? }),
            "all" => Some(Self::All { size: number(1)?, number: number(2)?, due: number(3)? }),
            "count" => Some(Self::Count),
            "quit" => Some(Self::Quit),
            _ => None,
        }
    }

    /// Does it, and says how many sessions it concerned.
    pub(crate) fn carry_out(&self, sessions: &Sessions, pings: &mut Pings) -> usize {
        match *self {
            Self::Random { count, size } => write_random(sessions, pings, count, size),
            Self::All { size, number, due } => {
                let mut frame = Vec::new();
                fill(&mut frame, size, ALL, number, due);
                write_all(sessions, pings, &frame)
            }
            Self::Count => sessions.held().len(),
            Self::Quit => 0,
        }
    }
}

fn write_random(sessions: &Sessions, pings: &mut Pings, count: usize, size: usize) -> usize {
    let mut random = fastrand::Rng::with_seed(42);
    let mut frame = Vec::new();
    let held = sessions.held();
    if held.is_empty() {
        return 0;
    }
    let mut written = 0;
    for number in 0..count {
        let session = held[random.usize(..held.len())];
        fill(&mut frame, size, RANDOM, number, micros());
        written += usize::from(sessions.write(session, &frame));
        pings.send_between(number, sessions);
    }
    written
}

fn write_all(sessions: &Sessions, pings: &mut Pings, frame: &[u8]) -> usize {
    let mut written = 0;
    for (place, session) in sessions.held().iter().enumerate() {
        written += usize::from(sessions.write(*session, frame));
        pings.send_between(place, sessions);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands() {
        for (line, command) in [
            ("random 10 171\n", Some(Command::Random { count: 10, size: 171 })),
            ("all 171 3 99", Some(Command::All { size: 171, number: 3, due: 99 })),
            ("count", Some(Command::Count)),
            ("quit", Some(Command::Quit)),
            ("random ten 171", None),
            ("all 171 3", None),
            ("ping", None),
            ("", None),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }
}
