//! All that a worker knows.

use std::{collections::VecDeque, io, time::Instant};

use client::Rules;
use limits::process::resident_bytes;
use mio::Poll;
use slab::Slab;

use super::{
    departure::Departure, entry::Entry, places::Places, posts::Posts, roll_call::RollCall,
    secured::Secured, waves::Opening,
};
use crate::{
    fleet::{
        assignment::Assignment,
        wire::{Progress, Wave},
    },
    measurements::{book::Book, tally::Tally},
    session::opening::Openings,
};

/// What is read at once; shared by all sessions.
const SCRATCH_BYTES: usize = 64 * 1024;

/// A worker, which the files beside this one make work.
pub(super) struct Worker {
    pub(super) poll: Poll,
    pub(super) assignment: Assignment,
    pub(super) places: Places,
    pub(super) openings: Openings,
    pub(super) rules: Rules,
    /// All sessions that are not over.
    pub(super) sessions: Slab<Entry>,
    pub(super) opening: Opening,
    /// Handshakes in the order they began: place in the slab, number, when it began, in
    /// microseconds since the epoch. Those that are over are skipped when their turn comes.
    pub(super) deadlines: VecDeque<(usize, u32, u64)>,
    pub(super) departure: Option<Departure>,
    pub(super) roll_call: Option<RollCall>,
    pub(super) posts: Posts,
    pub(super) secured: Secured,
    pub(super) book: Book,
    pub(super) tally: Tally,
    pub(super) memory: (Instant, u64),
    pub(super) reported: (Instant, Progress),
    /// Whether the parent knows that the wave has settled.
    pub(super) settled: bool,
    pub(super) scratch: Box<[u8]>,
}

impl Worker {
    /// None of its sessions are open yet.
    ///
    /// # Errors
    /// A file with certificates has changed since the run was begun.
    pub(super) fn new(poll: Poll, assignment: Assignment) -> io::Result<Self> {
        let openings = Openings::new(assignment.identity.clone());
        let accept = openings.accept().to_owned();
        let nothing = Wave { numbers: 0..0, rate: 0.0, retries: 0, until: None, returning: false };
        let memory = resident_bytes();
        let now = Instant::now();
        Ok(Self {
            poll,
            rules: Rules {
                needs_hello: assignment.needs_hello,
                echo_once: assignment.echo_once,
                posts_pongs: assignment.posts_pongs,
                accept,
            },
            openings,
            sessions: Slab::with_capacity(assignment.count as usize),
            opening: Opening::new(nothing, assignment.concurrency),
            deadlines: VecDeque::new(),
            places: Places::default(),
            departure: None,
            roll_call: None,
            posts: Posts::new(),
            book: Book::new(assignment.run, assignment.first, assignment.count as usize),
            tally: Tally { memory: (memory, memory), ..Tally::default() },
            memory: (now, memory),
            reported: (now, Progress::default()),
            settled: true,
            scratch: vec![0; SCRATCH_BYTES].into(),
            secured: Secured::new(&assignment)?,
            assignment,
        })
    }

    /// Where it stands.
    pub(super) fn progress(&self) -> Progress {
        let recalls = &self.tally.recalls;
        Progress {
            recalled: recalls.asked(),
            away: recalls.away(),
            missed: self.book.missed(),
            open: self.tally.open(),
            failed: self.tally.failures.total(),
            lost: self.tally.losses.total(),
            messages: self.tally.messages,
            arrived: self.tally.proofs.arrived,
            memory: self.memory.1,
        }
    }
}
