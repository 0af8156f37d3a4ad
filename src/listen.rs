//! `holdfast listen`: a client that prints what arrives.
//!
//! The session is the client library's ([`holdfast_client::session`]), which comes back by itself; [`line`](mod@line) makes a
//! line of each frame. It acknowledges nothing unless it is told to.

mod line;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use certificates::{Cause, Inside, TargetTlsArgs, explain_io};
use clap::Args;
use holdfast_client::session::{Begin, Ended, Event, Explanation, Server, Session, Tls};
use protocol::{Device, Topic, Transport, UserId};
use settings::{ConfigError, Endpoint, Secret};
use signal_hook::consts::{SIGINT, SIGTERM};

use self::line::line;
use crate::serve::{fail, refuse};

/// How often what waits looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The exit code of a process that a second Ctrl-C ends at once.
const INTERRUPTED: i32 = 130;

/// The flags of `holdfast listen`.
#[derive(Debug, Clone, Args)]
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
    let mut session = match settings.session() {
        Ok(session) => session,
        Err(error) => return refuse(&error),
    };
    let over = match stop_flag() {
        Ok(over) => over,
        Err(error) => return fail(&error, false),
    };
    while !over.load(Ordering::Relaxed) {
        let ended = match session.next(LOOK_EVERY) {
            Some(Event::Frame(frame)) => {
                let Some(line) = line(&frame, settings.json) else { continue };
                match print(&line) {
                    Ok(()) => continue,
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        return ExitCode::SUCCESS;
                    }
                    Err(error) => return fail(&error, false),
                }
            }
            Some(Event::Ended(ended)) => ended,
            Some(event) => {
                tell(&event);
                continue;
            }
            None => continue,
        };
        return match ended {
            Ended::NoToken(error) => match error.downcast::<ConfigError>() {
                Ok(error) => refuse(&error),
                Err(error) => fail(&*error, false),
            },
            why => {
                eprintln!("closed: {why}; not coming back");
                ExitCode::FAILURE
            }
        };
    }
    session.leave();
    ExitCode::SUCCESS
}

fn print(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

/// What is no frame is for people.
fn tell(event: &Event) {
    match event {
        Event::Connected(server) => eprintln!("connected to {server}"),
        Event::NotTaken(why) => eprintln!("not taken: {why}"),
        Event::Closed { why, pause } => {
            eprintln!("closed: {why}; back in {:.1} s", pause.as_secs_f64());
        }
        _ => {}
    }
}

/// What an error says to people, and whether somebody has to change something.
fn explain(error: &io::Error) -> Explanation {
    let Some(why) = explain_io(error) else {
        return Explanation { text: error.to_string(), is_lasting: false };
    };
    let cause = Cause::of_io(error).filter(|cause| cause.is_lasting());
    let advice = match cause {
        Some(Cause::UnknownIssuer) => "; --tls-ca names a file with its authority",
        Some(Cause::WrongName) => "; --tls-name gives the name that is right",
        Some(Cause::NotTls) => "; without TLS write ws://, http:// or tcp://",
        _ => "",
    };
    Explanation { text: format!("TLS: {why}{advice}"), is_lasting: cause.is_some() }
}

impl Settings {
    fn session(&self) -> Result<Session, ConfigError> {
        if self.user.is_none() && self.token()?.is_none() {
            let expected = "say who listens with --user (development), --token or --token-file";
            return Err(ConfigError::new("--user", "missing", expected));
        }
        let mut builder = Session::builder(self.server()?).explain(explain);
        if let Some(user) = &self.user {
            builder = builder.user(user.to_string());
        }
        if let Some(device) = &self.device {
            builder = builder.device(device.to_string());
        }
        let begin = if self.from_start { Begin::Start } else { Begin::Live };
        for topic in &self.topic {
            builder = builder.topic(topic.to_string(), begin.clone());
        }
        if self.ack {
            builder = builder.acknowledging();
        }
        let settings = self.clone();
        let tokens = move || {
            let token = settings.token()?;
            Ok(token.map(|token| token.expose().to_owned()))
        };
        Ok(builder.after(self.after.iter().cloned()).tokens(tokens).build())
    }

    fn server(&self) -> Result<Server, ConfigError> {
        let Endpoint { scheme, host, ports, path, .. } = &self.target;
        let Some(transport) = Server::transport_of(scheme, path) else {
            let problem = format!("{} has a scheme that this client does not speak", self.target);
            let expected = "use ws://, tcp://, http://, or wss://, tcps://, https:// for TLS";
            return Err(ConfigError::new("--target", problem, expected));
        };
        if ports.start() != ports.end() || *ports.start() == 0 {
            let problem = format!("{} is not the address of one server", self.target);
            return Err(ConfigError::new("--target", problem, "name one port above 0"));
        }
        let tls = Server::is_inside_tls(scheme).then(|| self.tls_for(transport)).transpose()?;
        let server = Server::of_parts(scheme, host, *ports.start(), path, tls);
        server.map_err(|error| ConfigError::new("--target", error.to_string(), "report this"))
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
