//! `holdfast listen`: a client that prints what arrives.
//!
//! A [`visit`] is one connection, from its opening to its end, by a [`channel`]; [`line`](mod@line) makes a line of each frame;
//! what it says is written, or by [`posting`]; a [`parting`] says why it ended and when to come back.
//! Of what is kept it knows its [`places`]; it acknowledges nothing unless it is told to.

mod channel;
mod line;
mod parting;
mod pauses;
mod places;
mod posting;
mod visit;

use std::{
    io,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use certificates::{Inside, TargetTlsArgs};
use clap::Args;
use client::opening;
use protocol::{Device, Topic, Transport, UserId};
use settings::{ConfigError, Endpoint, Secret};
use signal_hook::consts::{SIGINT, SIGTERM};

use self::{
    channel::Tls,
    parting::{End, Parting},
    pauses::Pauses,
    places::Places,
    visit::{Visit, Visitor},
};
use crate::serve::{fail, refuse};

/// How often what waits looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The exit code of a process that a second Ctrl-C ends at once.
const INTERRUPTED: i32 = 130;

/// The flags of `holdfast listen`.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Where to connect: ws://HOST:PORT, tcp://HOST:PORT or, for server-sent events, http://HOST:PORT,
    /// for long polls http://HOST:PORT/v1/poll; inside TLS wss://, tcps:// and https://
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080/v1/ws")]
    target: Endpoint,
    /// Which servers are believed.
    #[command(flatten)]
    tls: TargetTlsArgs,
    /// User id, in development; otherwise the token names the user
    #[arg(long, value_name = "ID", conflicts_with_all = ["token", "token_file"])]
    user: Option<UserId>,
    /// A signed token, as holdfast token prints one
    #[arg(long, value_name = "TOKEN")]
    token: Option<Secret>,
    /// File with the token; it is read again for every connection
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Topics to subscribe to
    #[arg(long, value_name = "TOPIC", value_delimiter = ',')]
    topic: Vec<Topic>,
    /// Begin topics with everything that is kept of them
    #[arg(long, requires = "topic")]
    from_start: bool,
    /// Name of the device, where the token has none
    #[arg(long, value_name = "NAME")]
    device: Option<Device>,
    /// Cursor of the last message that is there already; it acknowledges that and all before it
    #[arg(long, value_name = "CURSOR", value_delimiter = ',')]
    after: Vec<String>,
    /// Acknowledge what was printed: it does not come again to this device
    #[arg(long)]
    ack: bool,
    /// Print each frame as it came
    #[arg(long)]
    json: bool,
}

/// Prints what arrives until Ctrl-C (exit code 0) or until the server says not to come back (1).
pub(crate) fn run(settings: &Settings) -> ExitCode {
    let visitor = match settings.visitor() {
        Ok(visitor) => visitor,
        Err(error) => return refuse(&error),
    };
    let over = match stop_flag() {
        Ok(over) => over,
        Err(error) => return fail(&error, false),
    };
    let mut pauses = Pauses::default();
    let mut places = Places::new(settings.after.clone(), settings.ack);
    loop {
        let who = match settings.token() {
            Ok(token) => token,
            Err(error) => return refuse(&error),
        };
        let parting = Visit::pay(&visitor, who.as_ref(), &mut places, &over);
        let Parting { end, was_held } = parting;
        let pause = match &end {
            End::Wanted => return ExitCode::SUCCESS,
            End::Final(why) => {
                eprintln!("closed: {why}; not coming back");
                return ExitCode::FAILURE;
            }
            End::Passing { why, told } => {
                let pause = pauses.next(was_held, *told);
                eprintln!("closed: {why}; back in {:.1} s", pause.as_secs_f64());
                pause
            }
        };
        rest(pause, &over);
        if over.load(Ordering::Relaxed) {
            return ExitCode::SUCCESS;
        }
    }
}

impl Settings {
    fn visitor(&self) -> Result<Visitor, ConfigError> {
        if self.user.is_none() && self.token()?.is_none() {
            let expected = "say who listens with --user (development), --token or --token-file";
            return Err(ConfigError::new("--user", "missing", expected));
        }
        let target = &self.target;
        let inside_tls = opening::inside_tls(&target.scheme);
        let scheme = inside_tls.unwrap_or(&target.scheme);
        let Some((transport, path)) = opening::means(scheme, &target.path) else {
            let problem = format!("{target} has a scheme that this client does not speak");
            let expected = "use ws://, tcp://, http://, or wss://, tcps://, https:// for TLS";
            return Err(ConfigError::new("--target", problem, expected));
        };
        if target.ports.start() != target.ports.end() || *target.ports.start() == 0 {
            let problem = format!("{target} is not the address of one server");
            return Err(ConfigError::new("--target", problem, "name one port above 0"));
        }
        Ok(Visitor {
            shown: self.target.to_string(),
            host: target.host.clone(),
            bracketed_host: target.bracketed_host(),
            port: *target.ports.start(),
            transport,
            path: path.to_owned(),
            tls: inside_tls.map(|_| self.tls_for(transport)).transpose()?,
            user: self.user.as_ref().map(ToString::to_string),
            topics: self.topic.clone(),
            from_start: self.from_start,
            device: self.device.as_ref().map(ToString::to_string),
            is_raw: self.json,
        })
    }

    fn tls_for(&self, transport: Transport) -> Result<Tls, ConfigError> {
        let inside = if transport == Transport::Tcp { Inside::Lines } else { Inside::Http };
        let (config, name) = (self.tls.config(inside, true)?, self.tls.name_of(&self.target.host)?);
        Ok(Tls { config, name })
    }

    fn token(&self) -> Result<Option<Secret>, ConfigError> {
        let token = Secret::load("token", self.token.as_ref(), self.token_file.as_deref())?;
        let fits = |token: &Secret| token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        match token {
            Some(token) if !fits(&token) => {
                let problem = "has characters that no token has";
                Err(ConfigError::new("--token", problem, "give what holdfast token prints"))
            }
            token => Ok(token),
        }
    }
}

/// Set by the first SIGINT or SIGTERM; a second one ends the process at once.
fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let over = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let seen = Arc::clone(&over);
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, seen)?;
        signal_hook::flag::register(signal, Arc::clone(&over))?;
    }
    Ok(over)
}

fn rest(pause: Duration, over: &AtomicBool) {
    let until = Instant::now() + pause;
    while !over.load(Ordering::Relaxed) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::sleep(left.min(LOOK_EVERY));
    }
}
