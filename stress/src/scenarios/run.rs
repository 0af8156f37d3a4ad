//! A run: its sessions, and what is seen of them meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use ::settings::ConfigError;
use limits::{Counters, KernelMemory, descriptors, symptom::Evidence};
use protocol::clock;
use ureq::tls::TlsConfig;

use super::{display::Display, output, trouble::Trouble};
use crate::{
    fleet::{
        member::Part,
        plan::{self, Course},
        wire::Progress,
        workers::{Fleet, Manner},
    },
    measurements::{asked::AskedRate, machine, point::Point, timeline::Timeline, watch::Watch},
    report::record::Record,
    settings::{output::Output, sessions::Sessions, tls::TlsChoice},
    traffic::prober::thread::Prober,
};

/// How often a waiting scenario looks around.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A longer time than a gateway asks anybody to stay away. Whoever is asked to by another server is on its way in the
/// end.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long gateways may take to say something for the first time.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A run: its sessions, and what is seen meanwhile.
pub(super) struct Run {
    /// What tells the messages of this run from others.
    pub(super) id: u32,
    /// How long a session may take to answer in the end.
    answer_within: Duration,
    /// How long those are waited for in the end who were asked to come back; nothing where none does.
    pub(super) return_within: Option<Duration>,
    /// Where messages say whether some are away.
    pub(super) phase: Option<Arc<AtomicU8>>,
    pub(super) record: Record,
    output: Output,
    pub(super) fleet: Fleet,
    display: Display,
    pub(super) watch: Option<Watch>,
    timeline: Timeline,
    sampled: Option<Instant>,
    pub(super) prober: Option<Prober>,
    /// What the machine had counted before.
    before: Counters,
    /// What it showed when the last sessions were opened, and everything was still open.
    evidence: Evidence,
    /// Set by Ctrl-C; everything that waits or sends looks at it.
    interrupted: Arc<AtomicBool>,
}

impl Run {
    /// Starts the workers, whose sessions take this course.
    pub(super) fn start(
        scenario: &'static str,
        sessions: &Sessions,
        course: Course,
    ) -> Result<Self, Trouble> {
        let id = fastrand::u32(1..);
        let limit = descriptors::raise().unwrap_or_else(|_| descriptors::soft_limit());
        let assignments = plan::assignments(sessions, course, limit, id)?;
        output::check(&sessions.output)?;
        let (urls, tls) = gateways(sessions)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        let asked = u64::from(sessions.sessions);
        let every = sessions.watching.sample;
        let mut record = Record::new(scenario, asked, assignments.len() as u64);
        (record.allowed, record.rate) =
            (sessions.tolerance.into(), AskedRate::new(f64::from(sessions.rate)));
        let mut run = Self {
            id,
            answer_within: sessions.answer_within,
            return_within: course
                .returns
                .map(|returns| LONGEST_PAUSE + returns.within + sessions.connect_timeout),
            phase: None,
            record,
            output: sessions.output.clone(),
            fleet: Fleet::start(assignments)?,
            display: Display::new(asked),
            timeline: Timeline::new(machine::identity(), urls.clone(), every.as_micros() as u64),
            watch: (!urls.is_empty()).then(|| Watch::start(urls, every, tls)).transpose()?,
            sampled: None,
            prober: None,
            before: Counters::read(),
            evidence: Evidence::default(),
            interrupted,
        };
        run.await_gateways()?;
        Ok(run)
    }

    /// Waits until every gateway has said once what it holds, so that the time line begins with
    /// what was there before the first session.
    fn await_gateways(&mut self) -> Result<(), ConfigError> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        let silent = |run: &Self| run.watch.as_ref().and_then(Watch::silent).map(str::to_owned);
        self.wait("asking the gateways", |run| silent(run).is_none() || Instant::now() > deadline);
        match silent(self).filter(|_| !self.is_interrupted()) {
            None => Ok(()),
            Some(url) => {
                let problem = format!("{url} does not say how many sessions it holds");
                let expected = "give the operators' ports of running gateways";
                Err(ConfigError::new("--operators", problem, expected))
            }
        }
    }

    /// Whether somebody pressed Ctrl-C.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Opens every session, or as many as can be.
    pub(super) fn ramp(&mut self, sessions: &Sessions) {
        self.open(Part::All, sessions);
    }

    /// Opens sessions and waits until each is open or has failed.
    pub(super) fn open(&mut self, part: Part, sessions: &Sessions) {
        let rate = f64::from(sessions.rate);
        let (begun, before) = (Instant::now(), self.progress().open);
        self.fleet.open(part, Manner { rate, retries: sessions.retry, ..Manner::default() });
        self.wait("opening", |run| run.fleet.is_settled());
        let opened = self.progress().open.saturating_sub(before);
        if let Some(rate) = &mut self.record.rate {
            rate.add(opened, begun.elapsed().as_secs_f64());
        }
        self.evidence = Evidence::since(&self.before);
    }

    /// Lets the sessions be for so long.
    pub(super) fn hold(&mut self, period: Duration) {
        let end = Instant::now() + period;
        self.wait("holding", |_| Instant::now() >= end);
    }

    /// Waits until it is done, or until Ctrl-C.
    pub(super) fn wait(&mut self, doing: &str, mut is_done: impl FnMut(&Self) -> bool) {
        while !is_done(self) && !self.is_interrupted() {
            self.look(doing);
        }
    }

    /// Takes what workers say for a moment, and shows and keeps what is to be seen.
    pub(super) fn look(&mut self, doing: &str) {
        self.fleet.listen(Instant::now() + LOOK_EVERY);
        self.display.update(doing, self.fleet.progress());
        self.tell_who_pushes();
        let every = Duration::from_micros(self.timeline.every);
        if self.sampled.is_none_or(|last| last.elapsed() >= every) {
            self.sampled = Some(Instant::now());
            self.sample();
        }
    }

    /// Adds a point to the time line.
    fn sample(&mut self) {
        let Progress { open, failed, lost, messages, .. } = self.fleet.progress();
        self.timeline.push(Point {
            at: clock::micros_since_epoch(),
            open,
            failed,
            lost,
            messages,
            client: self.fleet.memory(),
            kernel: KernelMemory::now(),
            gateways: self.watch.as_ref().and_then(Watch::latest),
            probe: self.prober.as_ref().and_then(Prober::take_slowest),
        });
    }

    /// Where all workers stand together.
    pub(super) fn progress(&self) -> Progress {
        self.fleet.progress()
    }

    /// Asks every session whether its server is there; those that do not answer are lost.
    fn call_roll(&mut self) {
        if !self.answer_within.is_zero() && !self.is_interrupted() {
            self.fleet.ask(self.answer_within);
            self.wait("asking who is there", |run| run.fleet.is_settled());
        }
    }

    /// Asks who is there, closes everything and reports; whether all went well.
    pub(super) fn finish(mut self, complete: impl FnOnce(&mut Record)) -> Result<bool, Trouble> {
        self.await_returns();
        self.call_roll();
        self.sample();
        let mut record = self.record;
        record.interrupted = self.interrupted.load(Ordering::Relaxed);
        drop(self.watch);
        record.tally = self.fleet.finish();
        record.timelines.push(self.timeline);
        drop(self.display);
        complete(&mut record);
        record.name_limits(&self.evidence);
        output::report(&record, &self.output)
    }
}

/// What is asked of the gateways that are watched, and how they are believed where one is inside TLS.
fn gateways(sessions: &Sessions) -> Result<(Vec<String>, Option<TlsConfig>), ConfigError> {
    let tls = TlsChoice::from(&sessions.tls);
    let urls = Watch::urls(&sessions.watching, &tls)?;
    let is_inside = urls.iter().any(|url| url.starts_with("https:"));
    let believed = is_inside.then(|| tls.for_requests()).transpose()?;
    Ok((urls, believed))
}
