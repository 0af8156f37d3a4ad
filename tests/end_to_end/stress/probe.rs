//! Other traffic beside the sessions.

use super::{run, targets};
use crate::harness::{Gateway, PusherApi, tokens};

/// Probes may take as long as they like here: nothing is measured.
const PATIENCE: &str = "--probe-rate 50 --probe-timeout 60s";

#[test]
fn every_kind_of_traffic_is_probed_while_everybody_gets_messages() {
    let gateway = Gateway::start(&["--echo", &tokens::secret_flag()]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let folder = super::Folder::new();
    let file = folder.file("secret");
    std::fs::write(&file, tokens::SECRET).unwrap();
    let run = run(&format!(
        "probe {} --token-secret-file {file} --sessions 200 --rate 200 --hold 500ms {PATIENCE} \
         --operators http://{} --api http://{} --broadcast-every 100ms",
        targets(&gateway),
        gateway.operators,
        pusher.address,
    ));
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    let probes = run.report["probes"].as_array().unwrap();
    let kinds: Vec<_> = probes.iter().map(|probe| probe["what"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["connect", "echo", "http", "operators", "pusher-api"]);
    for probe in probes {
        assert!(probe["sent"].as_u64().unwrap() > 0, "{probe}");
        assert_eq!(probe["lost"], 0, "{probe}");
        assert!(probe["latency"]["p50_ms"].is_f64(), "{probe}");
        assert!(probe["share_within_200_ms"].is_f64(), "{probe}");
    }
    assert!(run.report["broadcasts"]["count"].as_u64().unwrap() > 1, "{}", run.output);
    let points = run.report["record"]["timelines"][0]["points"].as_array().unwrap();
    assert!(points.iter().any(|point| point["probe"].is_u64()));
}

#[test]
fn a_gateway_that_does_not_echo_is_named_and_nothing_counts_as_lost() {
    let gateway = Gateway::start(&[]);
    for target in [format!("ws://{}", gateway.http), format!("tcp://{}", gateway.tcp)] {
        let flags = format!("probe --target {target} --sessions 5 --hold 300ms {PATIENCE}");
        let run = run(&flags);
        assert_eq!(run.code, Some(0), "{}", run.log);
        let probes = run.report["probes"].as_array().unwrap();
        let echo = probes.iter().find(|probe| probe["what"] == "echo").unwrap();
        assert!(echo["unavailable"].as_str().unwrap().contains("--echo"), "{echo}");
        assert_eq!((&echo["sent"], &echo["lost"]), (&0.into(), &0.into()));
    }
}

#[test]
fn silence_is_lost() {
    // It takes connections into its backlog and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let run = run(&format!(
        "probe --target ws://{address} --sessions 1 --connect-timeout 300ms --hold 300ms \
         --probe-rate 20 --probe-timeout 100ms"
    ));
    assert_eq!(run.code, Some(1));
    let probes = run.report["probes"].as_array().unwrap();
    for what in ["http", "echo"] {
        let probe = probes.iter().find(|probe| probe["what"] == what).unwrap();
        assert_eq!(probe["lost"], probe["sent"], "{probe}");
        assert_eq!(probe["lost_by"]["timeout"], probe["sent"], "{probe}");
        assert_eq!(probe["share_within_200_ms"], 0.0);
    }
}
