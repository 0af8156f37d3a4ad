//! What operators read of gateways and pusher-apis, as they have it from other programs.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    harness::{
        Client, Gateway, Http, PusherApi, Tcp, eventually, metrics::Metrics, pair,
        tunnel::certificate_flags,
    },
    tls::{certified_pair_with, listener_flags},
};

#[test]
fn every_process_says_which_it_is_and_what_it_takes() {
    let (gateway, pusher) = pair(&[]);
    let build = format!("holdfast_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    for (process, metrics) in
        [(&gateway.process, gateway.metrics()), (&pusher.process, pusher.metrics())]
    {
        assert_eq!(metrics.get(&build), 1.0);
        let resident = metrics.get("process_resident_memory_bytes") / 1024.0;
        let expected = process.resident_kib() as f64;
        assert!((0.5..2.0).contains(&(resident / expected)), "{resident} of {expected} KiB");
        assert!(metrics.get("process_virtual_memory_bytes") > resident * 1024.0);
        assert!(metrics.get("process_max_fds") > metrics.get("process_open_fds"));
        assert!(metrics.get("process_open_fds") > 3.0);
        assert!(metrics.get("process_start_time_seconds") > 1.6e9);
        assert!(metrics.get("process_cpu_seconds_total") > 0.0);
    }
}

#[test]
fn readiness_is_shown_with_its_reason_and_limits_beside_what_they_bound() {
    let gateway = Gateway::start(&["--max-sessions=2", "--max-links=7", "--memory-reserve=1MiB"]);
    let reason =
        |name: &str| gateway.metrics().get(&format!("holdfast_not_ready{{reason={name:?}}}"));
    let shown = gateway.metrics();
    assert_eq!((shown.get("holdfast_ready"), shown.get("holdfast_not_ready")), (1.0, 0.0));
    assert_eq!(shown.get("holdfast_sessions_limit"), 2.0);
    assert_eq!(shown.get("holdfast_links_limit"), 7.0);
    assert_eq!(shown.get("holdfast_memory_reserve_bytes"), f64::from(1 << 20));
    for known in
        ["draining", "full", "memory", "no_keys", "push_memory", "accept_blocked", "probe_late"]
    {
        assert!(shown.has(&format!("holdfast_not_ready{{reason={known:?}}}")), "{known}");
    }
    let sessions = (Tcp::join(&gateway, "u0"), Tcp::join(&gateway, "u1"));
    assert_eq!((reason("full"), reason("draining")), (1.0, 0.0));
    assert_eq!(
        (gateway.metrics().get("holdfast_ready"), gateway.get("/readyz").status),
        (0.0, 503)
    );
    drop(sessions);
    eventually("room again", || (reason("full") == 0.0).then_some(()));
    assert_eq!(
        (gateway.metrics().get("holdfast_ready"), gateway.get("/readyz").status),
        (1.0, 200)
    );
}

#[test]
fn a_pusher_api_is_ready_where_its_metrics_say_so() {
    let (mut gateway, pusher) = pair(&[]);
    assert_eq!(pusher.metrics().get("holdfast_pusher_ready"), 1.0);
    gateway.process.kill();
    let out_of_step = "holdfast_pusher_not_ready{reason=\"out_of_step\"}";
    eventually("the only gateway is out of step", || {
        let (status, shown) = (pusher.client.get("/readyz").status, pusher.metrics());
        // Both are looked at for themselves, one after the other.
        (status == 503 && shown.get(out_of_step) == 1.0).then_some(())
    });
    assert_eq!(pusher.metrics().get("holdfast_pusher_ready"), 0.0);
}

#[test]
fn sessions_are_counted_on_their_worker() {
    let gateway = Gateway::start(&["--workers=3"]);
    let of_each = || {
        let shown = gateway.metrics();
        let name = |worker| format!("holdfast_worker_sessions{{worker=\"{worker}\"}}");
        let names = (0..3).map(name);
        names.map(|name| shown.has(&name).then(|| shown.get(&name))).collect::<Option<Vec<_>>>()
    };
    assert_eq!(of_each(), Some(vec![0.0; 3]), "the gateway's own are not counted");
    let sessions: Vec<_> =
        (0..30).map(|user| Tcp::join(&gateway, format!("u{user}").as_str())).collect();
    let each = of_each().expect("three workers");
    assert_eq!(each.iter().sum::<f64>(), 30.0, "{each:?}");
    assert!(each.iter().filter(|count| **count > 0.0).count() > 1, "{each:?}");
    drop(sessions);
    eventually("they are gone", || (of_each() == Some(vec![0.0; 3])).then_some(()));
}

#[test]
fn every_push_is_written_or_lost_for_a_reason() {
    const PUSHES: usize = 400;
    let (gateway, pusher) = pair(&["--close-timeout=1s"]);
    let reads_nothing = Tcp::join(&gateway, "u");
    let push = json!({ "to": { "user": "u" }, "data": "x".repeat(60_000) });
    let report = pusher.client.batch(format!("{push}\n").repeat(PUSHES).as_bytes());
    assert_eq!(report["accepted"], PUSHES);
    // When it was known that the user had left, no more were handed over.
    let handed_over = pusher.metrics().get("holdfast_pusher_entries_total");
    eventually("each is accounted for", || {
        let shown = gateway.metrics();
        let written = shown.get("holdfast_push_latency_seconds_count");
        let unknown = shown.get("holdfast_push_latency_unknown_total");
        let lost = shown.get("holdfast_pushes_dropped_total");
        (written + unknown + lost == handed_over).then_some(())
    });
    let shown = gateway.metrics();
    let lost =
        |reason: &str| shown.get(&format!("holdfast_pushes_dropped_total{{reason={reason:?}}}"));
    assert!(lost("too_slow") > 0.0);
    // More than were refused at once: the others had waited.
    let refused = shown.get("holdfast_pushes_total{outcome=\"dropped\"}");
    assert!(shown.get("holdfast_pushes_dropped_total") > refused + lost("no_session"));
    drop(reads_nothing);
}

#[test]
fn requests_and_ends_of_links_are_counted_from_zero() {
    let gateway = Gateway::start(&[]);
    let asked = |route: &str, method: &str, status: u16| {
        let labels = format!("method={method:?},route={route:?},status=\"{status}\"");
        let name = format!("holdfast_operators_requests_total{{{labels}}}");
        let shown = gateway.metrics();
        shown.has(&name).then(|| shown.get(&name))
    };
    let ended = |reason: &str| {
        let name = format!("holdfast_links_ended_total{{reason={reason:?}}}");
        let shown = gateway.metrics();
        shown.has(&name).then(|| shown.get(&name))
    };
    for (route, status) in [("/readyz", 503), ("/healthz", 200), ("/v1/link", 101)] {
        assert_eq!(asked(route, "GET", status), Some(0.0), "{route} {status}");
    }
    for reason in ["closed", "lost", "silent", "bad_frame", "no_hello", "overflow"] {
        assert_eq!(ended(reason), Some(0.0), "{reason}");
    }
    gateway.get("/healthz");
    gateway.get("/made/up");
    assert_eq!(asked("/healthz", "GET", 200), Some(1.0));
    assert_eq!(asked("unknown", "GET", 404), Some(1.0));
    let mut pusher = PusherApi::start(&[&gateway], &[]);
    pusher.process.kill();
    eventually("the end of the link", || {
        (ended("closed").unwrap_or(0.0) + ended("lost").unwrap_or(0.0) == 1.0).then_some(())
    });
    assert_eq!(asked("/v1/link", "GET", 101), Some(1.0));
}

#[test]
fn what_waits_in_a_gateway_is_shown_as_long_as_it_does() {
    const QUEUE: &str = "holdfast_pusher_gateway_queue_bytes";
    let (gateway, pusher) = pair(&["--outbound-limit=64MiB", "--close-timeout=1s"]);
    let reads_nothing = Tcp::join(&gateway, "u");
    let push = json!({ "to": { "user": "u" }, "data": "x".repeat(60_000) });
    let report = pusher.client.batch(format!("{push}\n").repeat(400).as_bytes());
    assert_eq!(report["accepted"], 400);
    eventually("some wait", || (pusher.metrics().get(QUEUE) > 100_000.0).then_some(()));
    drop(reads_nothing);
    eventually("none does", || (pusher.metrics().get(QUEUE) < 1000.0).then_some(()));
}

#[test]
fn whoever_scrapes_sees_every_gateway() {
    let (_gateway, pusher) = pair(&[]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let client = Http::new(pusher.address);
            scope.spawn(move || {
                for _ in 0..100 {
                    let shown = Metrics::parse(&client.get("/metrics").text);
                    assert_eq!(shown.get("holdfast_pusher_link_state"), 1.0, "one state is 1");
                    assert_eq!(shown.get("holdfast_pusher_ready"), 1.0);
                }
            });
        }
    });
}

/// Name with labels, and kind.
type Described = BTreeSet<(String, String)>;

/// The rows of a part of docs/metrics.md.
fn documented(part: &str) -> Described {
    let page = include_str!("../../../docs/metrics.md");
    let parts = page.split("\n## ").skip(1);
    let part = parts.into_iter().find(|it| it.starts_with(part)).expect("a part of the page");
    let rows = part.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    });
    rows.collect()
}

/// The same of what a process shows.
fn shown(text: &str) -> Described {
    let (mut described, mut lines) = (Described::new(), text.lines().peekable());
    while let Some(line) = lines.next() {
        let Some(family) = line.strip_prefix("# TYPE ") else { continue };
        let (name, kind) = family.split_once(' ').expect("name and kind");
        let sample = lines.peek().expect("a sample");
        let labels = sample.split_once('{').map_or("", |(_, labels)| labels);
        let mut labels: Vec<_> =
            labels.split("\",").filter_map(|it| Some(it.split_once('=')?.0)).collect();
        labels.retain(|label| *label != "le");
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        described.insert((format!("{name}{labels}"), kind.to_owned()));
    }
    described
}

#[test]
fn every_metric_has_its_place_in_the_documentation() {
    // Certificates are shown where there are some.
    let [cert, key] = certificate_flags("localhost");
    let (gateway, pusher) = certified_pair_with(
        &["--tls-listen=127.0.0.1:0", &cert, &key],
        &listener_flags().each_ref().map(String::as_str),
    );
    // What is counted by what was asked for is there from the first question on.
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    eventually("the push is counted", || {
        let route = "holdfast_pusher_request_duration_seconds_count{route=\"/v1/push\"}";
        pusher.metrics().has(route).then_some(())
    });
    for (part, text) in [
        ("Gateway", gateway.get("/metrics").text),
        ("pusher-api", pusher.client.get("/metrics").text),
    ] {
        let (shown, mut expected) = (shown(&text), documented(part));
        expected.extend(documented("Both"));
        if !shown.iter().any(|(name, _)| name == "process_open_fds") {
            // The kernel does not say.
            expected.retain(|(name, _)| name != "process_open_fds");
        }
        let missing: Vec<_> = expected.difference(&shown).collect();
        let unknown: Vec<_> = shown.difference(&expected).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{part}: {missing:?} {unknown:?}");
    }
}

#[test]
fn alerts_and_panels_ask_for_metrics_that_there_are() {
    let known = ["Both", "Gateway", "pusher-api"].map(documented).into_iter().flatten();
    let bare = |(name, _): (String, String)| name.split('{').next().map(str::to_owned);
    let known: BTreeSet<_> = known.filter_map(bare).collect();
    let rules = include_str!("../../../docker/prometheus/alerts.yml");
    let panels = include_str!("../../../docker/grafana/dashboards/holdfast.json");
    let words = |text: &'static str| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let asked = words(rules).chain(words(panels)).filter(|word| {
        word.starts_with("holdfast_") || (word.starts_with("process_") && word.len() > 8)
    });
    let asked: BTreeSet<_> = asked.map(|name| name.trim_end_matches("_bucket")).collect();
    let unknown: Vec<_> = asked.iter().filter(|name| !known.contains(**name)).collect();
    assert!(unknown.is_empty() && asked.len() > 20, "{unknown:?} of {}", asked.len());
}
