//! Runs a server until a signal ends it.

use std::process::ExitCode;

use limits::descriptors;
use settings::{ConfigError, logging};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::{successor::Successor, supervisor};

/// Exit code of a process whose settings are wrong.
const USAGE: u8 = 2;

/// Says what is wrong with the settings.
pub(crate) fn refuse(error: &ConfigError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(USAGE)
}

/// Says why a server could not start: wrong settings are told apart by their exit code.
pub(crate) fn fail(error: &(dyn std::error::Error + 'static), is_usage: bool) -> ExitCode {
    eprintln!("error: {error}");
    if is_usage { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
}

/// SIGTERM and SIGINT, which end a process, and SIGHUP, which never does.
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Stop {
    /// Listens to the signals from now on.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next that is to end the process; does `on_hang_up` at each SIGHUP meanwhile.
    pub(crate) async fn next(&mut self, on_hang_up: impl Fn()) {
        loop {
            return tokio::select! {
                _ = self.terminate.recv() => info!("SIGTERM"),
                _ = self.interrupt.recv() => info!("SIGINT"),
                _ = self.hang_up.recv() => {
                    info!("SIGHUP");
                    on_hang_up();
                    continue;
                }
            };
        }
    }
}

/// As many descriptors as this process may have, and room for them before the first connection.
pub(crate) fn prepare_descriptors() {
    match descriptors::raise() {
        Ok(limit) => match descriptors::grow_table(limit) {
            Ok(()) => info!(limit, "descriptors ready"),
            Err(error) => warn!(%error, limit, "cannot grow the descriptor table in advance"),
        },
        Err(error) => warn!(%error, "cannot raise RLIMIT_NOFILE"),
    }
}

/// `holdfast gateway`: runs until a first signal, then drains; a second one stops at once.
pub(crate) fn gateway(settings: gateway::Settings) -> ExitCode {
    actix_rt::System::new().block_on(async {
        // Before all else: a signal during the start is one to stop in order, too.
        let mut stop = match Stop::new() {
            Ok(stop) => stop,
            Err(error) => return fail(&error, false),
        };
        if let Err(error) = logging::init(&settings.common).and_then(|()| settings.validate()) {
            return refuse(&error);
        }
        prepare_descriptors();
        let mut successor = match Successor::new(settings.takeover.is_some()) {
            Ok(successor) => successor,
            Err(error) => return fail(&error, false),
        };
        let mut running = match gateway::start(settings) {
            Ok(running) => running,
            Err(error) => {
                return fail(&error, matches!(error, gateway::StartError::Config(_)));
            }
        };
        supervisor::ready();
        tokio::select! {
            () = stop.next(|| running.read_again()) => {}
            successor = running.moved() => {
                supervisor::main_process(successor);
                info!(successor, "another process has taken over");
                running.drain_rest().await;
                running.stop();
                return ExitCode::SUCCESS;
            }
            never = successor.start_when_asked() => match never {},
        }
        supervisor::stopping();
        tokio::select! {
            () = running.drain() => {}
            () = stop.next(|| {}) => {
                error!("stopping at once");
                running.say_goodbye().await;
            }
        }
        running.stop();
        ExitCode::SUCCESS
    })
}

/// `holdfast pusher-api`: runs until a first signal, then drains; a second one stops at once.
pub(crate) fn pusher_api(settings: pusher_api::Settings) -> ExitCode {
    actix_rt::System::new().block_on(async {
        // Before all else: a signal during the start is one to stop in order, too.
        let mut stop = match Stop::new() {
            Ok(stop) => stop,
            Err(error) => return fail(&error, false),
        };
        if let Err(error) = logging::init(&settings.common).and_then(|()| settings.validate()) {
            return refuse(&error);
        }
        prepare_descriptors();
        let mut running = match pusher_api::start(settings).await {
            Ok(running) => running,
            Err(error) => {
                return fail(&error, matches!(error, pusher_api::StartError::Settings(_)));
            }
        };
        supervisor::ready();
        stop.next(|| running.read_again()).await;
        supervisor::stopping();
        tokio::select! {
            () = running.drain() => {}
            () = stop.next(|| {}) => error!("stopping at once; accepted pushes may be lost"),
        }
        running.stop();
        ExitCode::SUCCESS
    })
}
