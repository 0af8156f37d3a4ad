//! A child process whose log is collected, and which outlives neither its test nor its deadline.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use super::wait::{LONGEST, eventually};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_holdfast");

/// A running process.
pub(crate) struct Process {
    child: Child,
    log: Collected,
    output: Collected,
    /// Dropped, it lets go who waits for the deadline.
    _deadline: Sender<()>,
}

/// The lines that a thread reads from a stream to its end.
struct Collected {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

/// A process that goes on when this is dropped.
pub(crate) struct Stopped<'a>(&'a Process);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.signal(Signal::CONT);
    }
}

impl Process {
    /// Starts `holdfast` with these arguments and nothing of our own environment that it reads.
    pub(crate) fn start(arguments: &[String]) -> Self {
        let mut command = Command::new(BINARY);
        command.args(arguments);
        Self::spawn(command)
    }

    /// Starts a command.
    pub(crate) fn spawn(command: Command) -> Self {
        Self::spawn_for(command, LONGEST)
    }

    /// The same, to be killed after so long.
    pub(crate) fn spawn_for(mut command: Command, longest: Duration) -> Self {
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = collect(child.stderr.take().unwrap());
        let output = collect(child.stdout.take().unwrap());
        let _deadline = kill_after(longest, &child);
        Self { child, log, output, _deadline }
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The lines on stderr so far.
    pub(crate) fn log(&self) -> Vec<String> {
        lock(&self.log.lines).clone()
    }

    /// The lines on stdout so far.
    pub(crate) fn output(&self) -> Vec<String> {
        lock(&self.output.lines).clone()
    }

    /// Waits for a line on stderr that `find` makes something of.
    pub(crate) fn find_in_log<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        eventually(what, || {
            let found = lock(&self.log.lines).iter().find_map(|line| find(line));
            if found.is_none() {
                let ended = self.child.try_wait().unwrap();
                assert!(ended.is_none(), "ended with {ended:?} before {what}: {:?}", self.log());
            }
            found
        })
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid() as i32).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Stops it while what is returned lives.
    pub(crate) fn stopped(&self) -> Stopped<'_> {
        self.signal(Signal::STOP);
        Stopped(self)
    }

    /// Waits for its end, and until its last words have been read.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = eventually("the process ends", || self.child.try_wait().unwrap());
        let readers = [&self.log.reader, &self.output.reader];
        eventually("its last words are read", || {
            readers.iter().all(|reader| reader.is_finished()).then_some(status)
        })
    }

    /// How it has ended, if it has; its last words may be another process's to say.
    pub(crate) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Cuts it off (SIGKILL) and waits for its end.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            let log = self.log();
            let last = &log[log.len().saturating_sub(30)..];
            eprintln!("--- log of process {}:\n{}\n---", self.pid(), last.join("\n"));
        }
    }
}

/// Kills a child that is still there after so long: who waits for it finds it gone and fails, instead
/// of waiting for ever. Returns what ends that when it is dropped.
fn kill_after(longest: Duration, child: &Child) -> Sender<()> {
    // Not the id: another process may have it by then.
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
    let (waiting, dropped) = mpsc::channel::<()>();
    thread::spawn(move || {
        if dropped.recv_timeout(longest) == Err(RecvTimeoutError::Timeout) {
            // It may have ended by itself.
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
    });
    waiting
}

fn collect(stream: impl Read + Send + 'static) -> Collected {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&lines);
    let reader = thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lock(&kept).push(line);
        }
    });
    Collected { lines, reader }
}

fn lock(lines: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
