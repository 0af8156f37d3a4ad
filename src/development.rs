//! `holdfast up`: gateway and pusher-api in one process, for trying things out on one machine.

use std::{
    env,
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser};
use settings::{ConfigError, ListenRange, logging};
use tracing::error;

use crate::serve::{Stop, fail, prepare_descriptors, refuse};

/// Long enough for the gateway here to be linked; after it a person is told all the same.
const UNTIL_READY: Duration = Duration::from_secs(5);

/// The flags of `holdfast up`.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Configuration file and logs.
    #[command(flatten)]
    common: logging::CommonArgs,
    /// Where clients reach the gateway over HTTP
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    listen: ListenRange,
    /// Where clients reach the gateway over TCP
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8081")]
    listen_tcp: ListenRange,
    /// Where operators reach the gateway
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8082")]
    listen_operators: ListenRange,
    /// Where backends reach pusher-api, and the live page
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8090")]
    listen_backends: ListenRange,
    /// Listen beyond loopback, too, as in a container whose ports are published on its host's
    /// loopback: whoever else reaches them is let in without keys
    #[arg(long)]
    beyond_loopback: bool,
    /// Directory of the file that pushes with a ttl are kept in; who is started with the same one shares
    /// what is kept [default: holdfast in $XDG_DATA_HOME, or in ~/.local/share]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Return what clients send to /v1/echo and in echo frames
    #[arg(long)]
    echo: bool,
}

#[derive(Parser)]
struct GatewayFlags {
    #[command(flatten)]
    settings: gateway::Settings,
}

#[derive(Parser)]
struct PusherApiFlags {
    #[command(flatten)]
    settings: pusher_api::Settings,
}

/// Runs both until a signal.
pub(crate) fn run(settings: Settings) -> ExitCode {
    actix_rt::System::new().block_on(async {
        // Before all else: a signal during the start is one to stop in order, too.
        let stop = match Stop::new() {
            Ok(stop) => stop,
            Err(error) => return fail(&error, false),
        };
        if let Err(error) = logging::init(&settings.common).and_then(|()| settings.check()) {
            return refuse(&error);
        }
        prepare_descriptors();
        match serve(&settings, stop).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(error.as_ref(), is_usage(error.as_ref())),
        }
    })
}

/// Whether a setting is wrong, and not the machine.
fn is_usage(error: &(dyn Error + 'static)) -> bool {
    let gateway =
        error.downcast_ref().is_some_and(|it| matches!(it, gateway::StartError::Config(_)));
    let settings = |it| matches!(it, &pusher_api::StartError::Settings(_));
    gateway || error.downcast_ref().is_some_and(settings) || error.is::<ConfigError>()
}

impl Settings {
    /// Where messages are kept.
    fn data(&self) -> Result<PathBuf, ConfigError> {
        let named = self.data.clone().or_else(|| Some(data_of_this_user()?.join("holdfast")));
        named.ok_or_else(|| {
            let problem = "neither XDG_DATA_HOME nor HOME is set";
            ConfigError::new("--data", problem, "name the directory that messages are kept in")
        })
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.beyond_loopback {
            return Ok(());
        }
        let listeners = [
            ("--listen", &self.listen),
            ("--listen-tcp", &self.listen_tcp),
            ("--listen-operators", &self.listen_operators),
            ("--listen-backends", &self.listen_backends),
        ];
        match listeners.into_iter().find(|(_, range)| !range.is_loopback()) {
            None => Ok(()),
            Some((flag, range)) => {
                let problem = format!("{range} is not on loopback, and this mode has no tokens");
                let expected = "run holdfast gateway and holdfast pusher-api instead; in a container \
                                whose ports are published on loopback, give --beyond-loopback";
                Err(ConfigError::new(flag, problem, expected))
            }
        }
    }
}

/// Where programs keep what is a user's own (XDG Base Directory Specification).
fn data_of_this_user() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))
}

async fn serve(settings: &Settings, mut stop: Stop) -> Result<(), Box<dyn Error>> {
    let data = settings.data()?;
    let mut flags = vec![
        "holdfast".to_owned(),
        "--development".to_owned(),
        format!("--listen={}", settings.listen),
        format!("--listen-tcp={}", settings.listen_tcp),
        format!("--listen-operators={}", settings.listen_operators),
        // Nobody waits half a minute for a development server to stop.
        "--drain=0s".to_owned(),
    ];
    flags.extend(settings.echo.then(|| "--echo".to_owned()));
    let beyond_loopback = || settings.beyond_loopback.then(|| "--beyond-loopback".to_owned());
    flags.extend(beyond_loopback());
    let mut gateway = gateway::start(GatewayFlags::try_parse_from(flags)?.settings)?;
    let mut flags = vec![
        "holdfast".to_owned(),
        "--development".to_owned(),
        format!("--listen={}", settings.listen_backends),
    ];
    flags.extend(beyond_loopback());
    let links = gateway.operators.iter().map(|address| from_here(*address));
    flags.extend(links.map(|address| format!("--gateway=http://{address}")));
    let websocket = format!("ws://{}/v1/ws", from_here(gateway.clients[0]));
    flags.push(format!("--page-websocket-url={websocket}"));
    let mut flags = PusherApiFlags::try_parse_from(flags)?.settings;
    flags.kept.data = Some(data.clone());
    let pusher = pusher_api::start(flags).await;
    let mut pusher = pusher.map_err(|error| error.of_flag("--listen-backends"))?;
    // What a person is to do is the last thing that is printed, and works at once.
    let _ = tokio::time::timeout(UNTIL_READY, pusher.until_ready()).await;
    announce(&gateway, pusher.addresses[0], &data, settings.beyond_loopback);
    stop.next(|| {}).await;
    tokio::select! {
        () = async { gateway.drain().await; pusher.drain().await } => {}
        () = stop.next(|| {}) => {
            error!("stopping at once");
            gateway.say_goodbye().await;
        }
    }
    gateway.stop();
    pusher.stop();
    Ok(())
}

/// Where this machine reaches who listens there: one that listens everywhere does so on loopback, too.
fn from_here(listener: SocketAddr) -> SocketAddr {
    let here = match listener.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(here, listener.port())
}

/// Tells a person what to do next.
fn announce(gateway: &gateway::Running, backends: SocketAddr, data: &Path, beyond_loopback: bool) {
    let addresses = [gateway.clients[0], gateway.tcp[0], gateway.operators[0], backends];
    let [http, tcp, operators, backends] = addresses.map(from_here);
    let who = match beyond_loopback {
        false => "loopback only, no tokens needed",
        true => "no tokens needed, whoever reaches these ports is let in",
    };
    println!(
        "holdfast is up (development: {who})\n\
         \n\
         clients      ws://{http}/v1/ws?user=U    tcp://{tcp}\n\
         backends     http://{backends}/v1/push\n\
         operators    http://{operators}/metrics\n\
         kept in      {data}\n\
         \n\
         see it       open http://{backends}/ in a browser, then paste:\n\
         \n\
         curl -X POST http://{backends}/v1/push -H 'content-type: application/json' \\\n  \
           -d '{{\"to\":{{\"user\":\"demo\"}},\"data\":{{\"text\":\"hello\"}}}}'\n",
        data = data.display()
    );
}
