//! All other figures, as tables.

use crate::{
    measurements::{quantiles::Quantiles, storm::Reading},
    report::{
        findings::Report,
        numbers::{bytes, thousands},
        sections::recalls::{RecallsReport, Rollout},
    },
};

/// A table. In each row, a text comes first and numbers follow.
pub(super) struct Table {
    pub(super) title: String,
    pub(super) heads: &'static [&'static str],
    pub(super) rows: Vec<Vec<String>>,
}

/// Every table that has rows.
pub(super) fn tables(report: &Report<'_>) -> Vec<Table> {
    let mut tables = vec![latencies(report)];
    tables.extend(storms(report));
    tables.extend(report.recalls.iter().flat_map(recalls));
    tables.push(pushes(report));
    tables.retain(|table| !table.rows.is_empty());
    tables
}

fn latencies(report: &Report<'_>) -> Table {
    let mut rows = Vec::new();
    let mut row = |what: String, count: u64, lost: Option<u64>, of: &Option<Quantiles>, share| {
        let Some(Quantiles { p50_ms, p90_ms, p99_ms, p999_ms, max_ms }) = of else { return };
        let mut cells = vec![what, thousands(count), lost.map(thousands).unwrap_or_default()];
        cells.extend([p50_ms, p90_ms, p99_ms, p999_ms, max_ms].map(|ms| format!("{ms:.2}")));
        cells.push(share_of(share));
        rows.push(cells);
    };
    let tally = &report.record.tally;
    row("sessions opened".into(), report.sessions.held, None, &report.sessions.connect, None);
    let back = &tally.returns;
    row("sessions opened again".into(), back.held, None, &back.connect.quantiles(), None);
    if let Some(it) = &report.recalls {
        row("sessions that came back when asked to".into(), it.returned, None, &it.took, None);
    }
    if let Some(it) = &report.received {
        row("messages received".into(), it.messages, None, &it.latency, it.share_within_200_ms);
    }
    for (phase, it) in &report.phases {
        let (what, share) = (format!("messages: {}", phase.as_str()), it.share_within_200_ms);
        row(what, it.messages, None, &it.latency, Some(share));
    }
    for it in &report.probes {
        let what = format!("probe: {}", it.what);
        row(what, it.sent, Some(it.lost), &it.latency, it.share_within_200_ms);
    }
    let heads =
        &["", "count", "lost", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "within 200 ms"];
    Table { title: "Latencies".into(), heads, rows }
}

fn storms(report: &Report<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    for it in &report.storms {
        let storm = it.storm;
        let seconds = |seconds: Option<f64>| {
            seconds.map_or_else(|| "not seen".into(), |seconds| format!("{seconds:.2} s"))
        };
        let mut facts = vec![
            vec!["closed by the client".into(), seconds(storm.closed_seconds)],
            vec!["gone from the gateways".into(), seconds(storm.gone_seconds)],
            vec!["all back".into(), seconds(storm.reopen_seconds)],
        ];
        if let Some(ratio) = it.gateway_memory_ratio {
            let what = "gateways' memory a while later / before they came";
            facts.push(vec![what.into(), format!("{ratio:.3}")]);
        }
        let title = format!("Storm: {} sessions dropped", thousands(storm.drop));
        tables.push(Table { title, heads: &["", "after the order"], rows: facts });
        let row = |reading: &Reading| {
            let gateways = reading.gateways.map(|all| bytes(all as f64)).unwrap_or_default();
            let others = [reading.kernel.total(), reading.client].map(|all| bytes(all as f64));
            let moment = reading.moment.as_str().to_owned();
            [vec![moment, gateways], others.to_vec()].concat()
        };
        tables.push(Table {
            title: "Memory around the storm".into(),
            heads: &["", "gateways (RSS)", "kernel (slab and sockets)", "this client (RSS)"],
            rows: storm.memory.iter().map(row).collect(),
        });
    }
    tables
}

fn recalls(recalls: &RecallsReport<'_>) -> [Table; 2] {
    let counts = [
        ("asked by their server", recalls.asked),
        ("returned", recalls.returned),
        ("on their way in the end", recalls.away),
        ("could not come back in time", recalls.failed),
        ("cut off without a word", recalls.lost_without_a_word),
    ];
    let row = |it: &Rollout| {
        let numbers = [it.asked, it.seconds, it.least, it.median, it.most].map(thousands);
        let began = it.began - recalls.rollouts.first().map_or(it.began, |first| first.began);
        let off = format!("{:.0} %", it.off * 100.0);
        [vec![format!("after {began} s")], numbers.to_vec(), vec![format!("{:.1}", it.even), off]]
            .concat()
    };
    [
        Table {
            title: "Sessions asked to come back".into(),
            heads: &["", ""],
            rows: counts.map(|(what, count)| vec![what.into(), thousands(count)]).into(),
        },
        Table {
            title: "Sessions that came back, a second".into(),
            heads: &["", "asked", "within s", "least", "median", "most", "if even", "off by"],
            rows: recalls.rollouts.iter().map(row).collect(),
        },
    ]
}

fn pushes(report: &Report<'_>) -> Table {
    let mut rows = Vec::new();
    if let Some(pushes) = &report.pushes {
        rows.push(vec!["offered".into(), thousands(pushes.outcome.offered)]);
        rows.push(vec!["accepted".into(), thousands(pushes.outcome.accepted)]);
        let rate = format!("{:.0}", pushes.accepted_per_second);
        rows.push(vec!["accepted per second".into(), rate]);
        if let Some(missing) = pushes.missing {
            rows.push(vec!["accepted, but not received".into(), missing.to_string()]);
        }
        if pushes.missed > 0 {
            rows.push(vec![
                "accepted for sessions that were away".into(),
                thousands(pushes.missed),
            ]);
        }
        for (why, count) in &pushes.outcome.refused {
            rows.push(vec![format!("refused: {why}"), thousands(*count)]);
        }
    }
    let many = [("everybody", &report.broadcasts), ("the topic", &report.to_topic)];
    for (whom, all) in many.into_iter().filter_map(|(whom, all)| Some((whom, all.as_ref()?))) {
        rows.push(vec![format!("messages to {whom}"), thousands(all.count as u64)]);
        let seconds = [all.min_seconds, all.median_seconds, all.max_seconds];
        let seconds = seconds.map(|seconds| format!("{seconds:.3}")).join(" / ");
        let what = "first to last client: fastest / median / slowest, seconds";
        rows.push(vec![what.into(), seconds]);
    }
    Table { title: "Messages".into(), heads: &["", ""], rows }
}

fn share_of(share: Option<f64>) -> String {
    share.map(|share| format!("{:.3} %", share * 100.0)).unwrap_or_default()
}
