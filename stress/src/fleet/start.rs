//! Starts a worker, as a thread or as a process, and follows what it says.

use std::{
    io::{self, BufRead, BufReader, PipeReader, Read, Write},
    os::unix::process::CommandExt,
    process::{Child, Command as Program, Stdio},
    sync::mpsc::Sender,
    thread,
};

use super::{wire::Event, worker};

/// Where a worker hears its commands.
pub(super) type Commands = Box<dyn Write + Send>;

/// A thread of this process.
///
/// # Errors
/// No thread or pipe.
pub(super) fn start_thread(sender: Sender<(usize, Option<Event>)>) -> io::Result<Commands> {
    let (inbox, commands) = io::pipe()?;
    let (events, outbox): (PipeReader, _) = io::pipe()?;
    thread::Builder::new().spawn(move || worker::run(inbox, outbox))?;
    follow(0, events, sender)?;
    Ok(Box::new(commands))
}

/// This program again.
///
/// # Errors
/// No process, thread or pipe.
pub(super) fn start_process(
    index: usize,
    sender: Sender<(usize, Option<Event>)>,
) -> io::Result<(Commands, Option<Child>)> {
    let mut child = Program::new(std::env::current_exe()?)
        .args(["stress", "worker"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C is for the parent alone, which then asks the workers for their reports.
        .process_group(0)
        .spawn()?;
    let commands = child.stdin.take().expect("stdin is piped");
    let events = child.stdout.take().expect("stdout is piped");
    follow(index, events, sender)?;
    Ok((Box::new(commands), Some(child)))
}

/// Passes a worker's events on; the end of them as `None`.
fn follow(
    index: usize,
    events: impl Read + Send + 'static,
    sender: Sender<(usize, Option<Event>)>,
) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        for line in BufReader::new(events).lines().map_while(Result::ok) {
            let event = serde_json::from_str(&line).ok();
            if event.is_some() && sender.send((index, event)).is_err() {
                return;
            }
        }
        let _ = sender.send((index, None));
    })?;
    Ok(())
}
