//! `stress probe`: measures whether other traffic suffers while sessions are opened and held.

use std::{sync::Arc, time::Duration};

use ::settings::ConfigError;
use protocol::Transport;

use super::{messages, run::Run, trouble::Trouble};
use crate::{
    fleet::member::Part,
    report::pushed::Pushed,
    session::identity::Identity,
    settings::{
        addresses::http_addresses,
        phases::Recipients,
        scenarios::Probe,
        targets::{Target, Targets},
        tls::TlsChoice,
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
    let mut run = Run::start("probe", sessions, 0)?;
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

fn probes(settings: &Probe) -> Result<Probes, ConfigError> {
    let sessions = &settings.sessions;
    let targets = Targets::new(&sessions.targets, &TlsChoice::from(&sessions.tls))?;
    let servers = || (0..targets.count()).map(|index| targets.pick(index));
    let mut sorts = vec![Sort::connect(servers().map(|(address, _)| address).collect())];
    // Probes speak no TLS: of targets inside it only the connect is measured.
    let in_the_clear = || servers().filter(|(_, target)| target.tls_name.is_none());
    let over_http = in_the_clear().filter(|(_, target)| target.transport != Transport::Tcp);
    sorts.push(Sort::http("http", over_http.map(|(address, target)| (address, &*target.path))));
    for (name, flag, endpoints) in [
        ("operators", "--operators", sessions.watching.operators.as_slice()),
        ("pusher-api", "--api", settings.api.api.as_slice()),
    ] {
        let mut addresses = Vec::new();
        for endpoint in endpoints {
            addresses.extend(http_addresses(flag, endpoint)?);
        }
        sorts.push(Sort::http(name, addresses.into_iter().map(|address| (address, "/healthz"))));
    }
    sorts.retain(|sort| !sort.is_empty());
    let step = targets.count().div_ceil(MOST_LINES);
    let with_way_up = in_the_clear()
        .filter(|(_, target)| !matches!(target.transport, Transport::Sse | Transport::Poll));
    let lines = with_way_up.step_by(step).map(|(address, target)| Line::new(address, echo(target)));
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
