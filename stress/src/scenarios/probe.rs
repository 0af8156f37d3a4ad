//! `stress probe`: measures whether other traffic suffers while sessions are opened and held.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ::settings::ConfigError;
use protocol::Transport;

use super::{messages, run::Run, trouble::Trouble};
use crate::{
    fleet::{member::Part, plan::Course},
    report::pushed::Pushed,
    session::identity::Identity,
    settings::{
        addresses::HttpServers,
        phases::Recipients,
        scenarios::Probe,
        targets::{Target, Targets},
        tls::{Peer, TlsChoice},
    },
    traffic::{
        prober::{
            echo::Line,
            order::{Order as Probes, Sort},
            thread::Prober,
        },
        pusher::order::Order,
    },
};

const DEFAULT_HOLD: Duration = Duration::from_secs(30);
/// Most servers that get a persistent connection for echoes.
const MOST_LINES: usize = 16;

/// Runs it; whether every session was held to the end.
pub(crate) fn probe(settings: &Probe) -> Result<bool, Trouble> {
    let sessions = &settings.sessions;
    let probes = probes(settings)?;
    let greeting = messages::order_if_any(&settings.api, sessions)?;
    let mut run = Run::start("probe", sessions, Course::default())?;
    run.prober = Some(Prober::start(probes)?);
    let greeting = greeting.and_then(|order| broadcasts(order, settings.broadcast_every));
    let messages = greeting.map(|mut order| {
        order.online = Arc::new(run.fleet.online(Part::All));
        run.start_messages(order)
    });
    let messages = messages.transpose()?;
    run.ramp(sessions);
    run.hold(sessions.hold.unwrap_or(DEFAULT_HOLD));
    let pushed = messages.map(|messages| run.finish_messages(messages)).transpose()?;
    let probed = run.prober.take().map(Prober::finish).transpose()?;
    run.finish(|record| {
        record.probes = probed.unwrap_or_default();
        // Sessions come while messages are sent, so nobody knows how many have to arrive.
        record.pushes = pushed.map(|(outcome, before)| {
            let arrived = record.tally.proofs.arrived - before;
            Pushed { outcome, arrived, ..Pushed::default() }
        });
    })
}

/// One message to everybody, again and again.
fn broadcasts(order: Order, every: Option<Duration>) -> Option<Order> {
    let rate = 1.0 / every?.as_secs_f64();
    Some(Order { recipients: Recipients::All, rate, ..order })
}

/// One of the targets.
struct Server {
    address: SocketAddr,
    target: Target,
    /// What it is inside TLS, where it is.
    peer: Option<Peer>,
}

fn servers(targets: &Targets, tls: &TlsChoice) -> Result<Vec<Server>, ConfigError> {
    let server = |(address, target): (SocketAddr, &Target)| {
        let name = target.tls_name.as_ref();
        let peer = name.map(|name| tls.target(target.transport, name)).transpose()?;
        Ok(Server { address, target: target.clone(), peer })
    };
    (0..targets.count()).map(|index| server(targets.pick(index))).collect()
}

fn probes(settings: &Probe) -> Result<Probes, ConfigError> {
    let sessions = &settings.sessions;
    let tls = TlsChoice::from(&sessions.tls);
    let servers = servers(&Targets::new(&sessions.targets, &tls)?, &tls)?;
    let mut sorts = vec![Sort::connect(servers.iter().map(|it| it.address).collect())];
    let over_http = servers.iter().filter(|it| it.target.transport != Transport::Tcp);
    let over_http = over_http.map(|it| (it.address, &*it.target.path, it.peer.clone()));
    sorts.push(Sort::http("http", over_http));
    for (name, flag, endpoints) in [
        ("operators", "--operators", sessions.watching.operators.as_slice()),
        ("pusher-api", "--api", settings.api.api.as_slice()),
    ] {
        let mut asked = Vec::new();
        for endpoint in endpoints {
            let HttpServers { addresses, peer, .. } = HttpServers::new(flag, endpoint, &tls)?;
            asked.extend(addresses.into_iter().map(|address| (address, "/healthz", peer.clone())));
        }
        sorts.push(Sort::http(name, asked.into_iter()));
    }
    sorts.retain(|sort| !sort.is_empty());
    let step = servers.len().div_ceil(MOST_LINES);
    let has_way_up =
        |it: &&Server| !matches!(it.target.transport, Transport::Sse | Transport::Poll);
    let with_way_up = servers.iter().filter(has_way_up).step_by(step);
    let lines = with_way_up.map(|it| Line::new(it.address, echo(&it.target), it.peer.clone()));
    Ok(Probes {
        rate: f64::from(settings.probe_rate),
        timeout: settings.probe_timeout,
        sorts,
        lines: lines.collect(),
        identity: Identity::new(sessions)?,
        number: sessions.sessions,
    })
}

/// Where a target echoes.
fn echo(target: &Target) -> Target {
    let base = target.path.strip_suffix("/ws");
    let path = base.map_or_else(|| target.path.clone(), |base| format!("{base}/echo"));
    Target { path, ..target.clone() }
}
