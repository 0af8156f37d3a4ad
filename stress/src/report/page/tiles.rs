//! The figures that are looked for first.

use crate::report::{
    findings::Report,
    numbers::{bytes, thousands},
};

/// One of them.
pub(super) struct Tile {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// What it is worth; may be empty.
    pub(super) note: String,
}

/// All that there are.
pub(super) fn overview(report: &Report<'_>) -> Vec<Tile> {
    let sessions = &report.sessions;
    let mut tiles = Vec::new();
    let mut add = |name, value, note| tiles.push(Tile { name, value, note });
    let asked = format!("of {} asked for", thousands(sessions.asked));
    add("sessions to the end", thousands(sessions.held_to_end), asked);
    add("opened per second", format!("{:.0}", sessions.per_second), String::new());
    if let Some(connect) = &sessions.connect {
        add("opened within (p99)", format!("{:.1} ms", connect.p99_ms), String::new());
    }
    if let Some(recalls) = &report.recalls {
        let asked = format!("of {} asked to", thousands(recalls.asked));
        add("sessions that returned", thousands(recalls.returned), asked);
    }
    if let Some(received) = &report.received {
        add("messages received", thousands(received.messages), String::new());
        if let (Some(latency), Some(share)) = (&received.latency, received.share_within_200_ms) {
            let within = format!("{:.2} % within 200 ms", share * 100.0);
            add("push latency p99", format!("{:.1} ms", latency.p99_ms), within);
        }
    }
    if let Some(memory) = report.memory.gateway_bytes {
        let each = report.memory.gateway_bytes_per_session;
        let each = each.map_or_else(String::new, |each| format!("{each:.0} B per session more"));
        add("gateways, most RSS", bytes(memory as f64), each);
    }
    let growth = bytes(report.memory.kernel_growth_bytes as f64);
    add("kernel, growth", growth, "slab and sockets".to_owned());
    let client = format!("{:.0} B", sessions.client_bytes_per_session);
    add("this client per session", client, String::new());
    tiles
}
