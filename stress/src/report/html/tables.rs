//! The figures of a report as tables.

use std::fmt::Write;

use super::{super::Report, charts::bytes, escape};
use crate::{measurements::Quantiles, report::FailureReport};

/// The figures that are looked for first.
pub(super) fn overview(report: &Report<'_>) -> String {
    let sessions = &report.sessions;
    let mut tiles = Tiles::default();
    let asked = format!("of {} asked for", thousands(sessions.asked));
    tiles.add("sessions to the end", &thousands(sessions.held_to_end), &asked);
    tiles.add("opened per second", &format!("{:.0}", sessions.per_second), "");
    if let Some(connect) = &sessions.connect {
        tiles.add("opened within (p99)", &format!("{:.1} ms", connect.p99_ms), "");
    }
    if let Some(received) = &report.received {
        tiles.add("messages received", &thousands(received.messages), "");
        if let (Some(latency), Some(share)) = (&received.latency, received.share_within_200_ms) {
            let within = format!("{:.2} % within 200 ms", share * 100.0);
            tiles.add("push latency p99", &format!("{:.1} ms", latency.p99_ms), &within);
        }
    }
    if let Some(memory) = report.memory.gateway_bytes {
        let each = report.memory.gateway_bytes_per_session;
        let each = each.map_or_else(String::new, |each| format!("{each:.0} B per session more"));
        tiles.add("gateways, most RSS", &bytes(memory as f64), &each);
    }
    let growth = bytes(report.memory.kernel_growth_bytes as f64);
    tiles.add("kernel, growth", &growth, "slab and sockets");
    let client = format!("{:.0} B", sessions.client_bytes_per_session);
    tiles.add("this client per session", &client, "");
    format!("<dl class=\"tiles\">{}</dl>\n", tiles.0)
}

#[derive(Default)]
struct Tiles(String);

impl Tiles {
    fn add(&mut self, name: &str, value: &str, note: &str) {
        // Writing to memory does not fail.
        let _ = write!(
            self.0,
            "<div><dt>{}</dt><dd>{}</dd><small>{}</small></div>",
            escape(name),
            escape(value),
            escape(note),
        );
    }
}

/// All other figures.
pub(super) fn all(report: &Report<'_>) -> String {
    let tables = [failures(report), latencies(report), storms(report), pushes(report)];
    tables.concat()
}

/// A table; nothing if it has no rows. Cells after the first `text` columns are numbers.
fn table(title: &str, heads: &[&str], text: usize, rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let class = |column| if column < text { "" } else { " class=\"number\"" };
    let mut html = format!("<section><h2>{}</h2><table><tr>", escape(title));
    for (column, head) in heads.iter().enumerate() {
        let _ = write!(html, "<th{}>{}</th>", class(column), escape(head));
    }
    html.push_str("</tr>\n");
    for row in rows {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(html, "<td{}>{}</td>", class(column), escape(cell));
        }
        html.push_str("</tr>\n");
    }
    html + "</table></section>\n"
}

fn failures(report: &Report<'_>) -> String {
    let kinds = [
        ("not opened", &report.failures),
        ("tried again", &report.retried),
        ("lost", &report.losses),
    ];
    let all = || kinds.iter().flat_map(|(what, of)| of.iter().map(move |it| (what, it)));
    let Some(most) = all().map(|(_, it)| it.count).max().filter(|most| *most > 0) else {
        return String::new();
    };
    let mut html = String::from(
        "<section><h2>Failures by cause</h2><table><tr><th></th><th>what was seen</th>\
         <th class=\"number\">how often</th><th class=\"bars\"></th>\
         <th>the limit that is usually behind it</th></tr>\n",
    );
    for (what, FailureReport { what: seen, count, limit }) in all() {
        let width = *count as f64 / most as f64 * 100.0;
        let limit = limit.as_ref().map(|limit| escape(limit)).unwrap_or_default();
        let _ = writeln!(
            html,
            "<tr><td>{what}</td><td>{}</td><td class=\"number\">{}</td>\
             <td><span class=\"bar\" style=\"width: {width:.1}%\"></span></td><td>{limit}</td></tr>",
            escape(seen),
            thousands(*count),
        );
    }
    html + "</table></section>\n"
}

fn latencies(report: &Report<'_>) -> String {
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
        ["", "count", "lost", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "within 200 ms"];
    table("Latencies", &heads, 1, &rows)
}

fn storms(report: &Report<'_>) -> String {
    let mut html = String::new();
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
        html.push_str(&table(&title, &["", "after the order"], 1, &facts));
        let row = |reading: &crate::measurements::Reading| {
            let gateways = reading.gateways.map(|all| bytes(all as f64)).unwrap_or_default();
            let others = [reading.kernel.total(), reading.client].map(|all| bytes(all as f64));
            let moment = reading.moment.as_str().to_owned();
            [vec![moment, gateways], others.to_vec()].concat()
        };
        let rows: Vec<_> = storm.memory.iter().map(row).collect();
        let heads = ["", "gateways (RSS)", "kernel (slab and sockets)", "this client (RSS)"];
        html.push_str(&table("Memory around the storm", &heads, 1, &rows));
    }
    html
}

fn pushes(report: &Report<'_>) -> String {
    let mut rows = Vec::new();
    if let Some(pushes) = &report.pushes {
        rows.push(vec!["offered".into(), thousands(pushes.outcome.offered)]);
        rows.push(vec!["accepted".into(), thousands(pushes.outcome.accepted)]);
        let rate = format!("{:.0}", pushes.accepted_per_second);
        rows.push(vec!["accepted per second".into(), rate]);
        if let Some(missing) = pushes.missing {
            rows.push(vec!["accepted, but not received".into(), missing.to_string()]);
        }
        for (why, count) in &pushes.outcome.refused {
            rows.push(vec![format!("refused: {why}"), thousands(*count)]);
        }
    }
    if let Some(all) = &report.broadcasts {
        rows.push(vec!["messages to everybody".into(), thousands(all.count as u64)]);
        let seconds = [all.min_seconds, all.median_seconds, all.max_seconds];
        let seconds = seconds.map(|seconds| format!("{seconds:.3}")).join(" / ");
        let what = "first to last client: fastest / median / slowest, seconds";
        rows.push(vec![what.into(), seconds]);
    }
    table("Messages", &["", ""], 1, &rows)
}

fn share_of(share: Option<f64>) -> String {
    share.map(|share| format!("{:.3} %", share * 100.0)).unwrap_or_default()
}

/// With a comma between thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_foreign_text_stays_text() {
        assert_eq!([7, 1000, 1_234_567].map(thousands), ["7", "1,000", "1,234,567"]);
        let html = table("<t>", &["a&b"], 1, &[vec!["<script>".into()]]);
        assert!(html.contains("&lt;t&gt;") && html.contains("a&amp;b"), "{html}");
        assert!(html.contains("<td>&lt;script&gt;</td>"), "{html}");
        assert_eq!(table("t", &[], 1, &[]), "");
    }
}
