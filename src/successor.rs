//! SIGUSR2 starts the next gateway process: this program as it stands on the disk now, with the same arguments and
//! environment. It takes over by `--takeover`.

use std::{
    convert::Infallible,
    env, io,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::supervisor;

/// Starts successors.
pub(crate) struct Successor {
    asked: Signal,
    /// This program, by the name it was started under: what stands there later is its successor.
    program: io::Result<PathBuf>,
    can_take_over: bool,
    is_starting: Arc<AtomicBool>,
}

impl Successor {
    /// Listens to the signal from now on. A successor finds its sessions only where they `can_take_over`.
    ///
    /// # Errors
    /// The system does not let this process listen.
    pub(crate) fn new(can_take_over: bool) -> io::Result<Self> {
        let asked = signal(SignalKind::user_defined2())?;
        let (program, is_starting) = (env::current_exe(), Arc::default());
        Ok(Self { asked, program, can_take_over, is_starting })
    }

    /// Starts one at each signal, for as long as it is polled.
    pub(crate) async fn start_when_asked(&mut self) -> Infallible {
        loop {
            if self.asked.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
            info!("SIGUSR2");
            if !self.can_take_over {
                warn!("no successor is started: it could not take over without --takeover");
                supervisor::reloading();
                supervisor::goes_on();
            } else if self.is_starting.swap(true, Ordering::Relaxed) {
                warn!("a successor is being started already");
            } else {
                self.start();
            }
        }
    }

    fn start(&self) {
        supervisor::reloading();
        let program = self.program.as_ref().map_err(ToString::to_string);
        let started = program.and_then(|program| {
            let mut command = Command::new(program);
            command.args(env::args_os().skip(1)).stdin(Stdio::null());
            command.spawn().map_err(|error| format!("{}: {error}", program.display()))
        });
        match started {
            Ok(mut child) => {
                info!(pid = child.id(), "a successor is started");
                let is_starting = Arc::clone(&self.is_starting);
                // It outlives this process, or ends before it.
                thread::spawn(move || {
                    let ended = child.wait();
                    warn!(?ended, "the successor has ended; this gateway goes on");
                    is_starting.store(false, Ordering::Relaxed);
                    supervisor::goes_on();
                });
            }
            Err(error) => {
                warn!(error, "no successor can be started");
                self.is_starting.store(false, Ordering::Relaxed);
                supervisor::goes_on();
            }
        }
    }
}
