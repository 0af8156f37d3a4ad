//! The load client against real gateways and a real pusher-api.

mod events;
mod help;
mod lies;
mod merging;
mod opening;
mod polls;
mod probe;
mod pushing;
mod returning;
#[path = "../../../stress/tests/server/mod.rs"]
mod server;
mod storm;

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

use crate::harness::{Gateway, Process, eventually, pair};

/// A folder of its own for the reports of a test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("holdfast-stress-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A run that has ended.
struct Run {
    code: Option<i32>,
    report: Value,
    output: String,
    log: String,
}

/// Starts the client.
fn start(flags: &str) -> Process {
    let flags = flags.split_whitespace().map(str::to_owned);
    Process::start(&["stress".to_owned()].into_iter().chain(flags).collect::<Vec<_>>())
}

/// Waits for its end, and reads its report if it wrote one.
fn end(mut process: Process, json: &str) -> Run {
    let code = process.wait().code();
    // Its last words are collected by another thread.
    eventually("its last words", || match code {
        Some(0 | 1) => process.output().iter().any(|line| line.starts_with("result")).then_some(()),
        _ => process.log().iter().any(|line| line.starts_with("error")).then_some(()),
    });
    let report = fs::read(json).map(|text| serde_json::from_slice(&text).unwrap());
    Run {
        code,
        report: report.unwrap_or_default(),
        output: process.output().join("\n"),
        log: process.log().join("\n"),
    }
}

/// Runs the client to its end.
fn run(flags: &str) -> Run {
    let folder = Folder::new();
    let json = folder.file("report.json");
    end(start(&format!("{flags} --json {json}")), &json)
}

/// Where the gateway's clients connect, over WebSocket and TCP.
fn targets(gateway: &Gateway) -> String {
    format!("--target ws://{} --target tcp://{}", gateway.http, gateway.tcp)
}

/// Sessions over HTTP at this path, which is the name of their scheme, too, get each push once, and answer in the
/// end.
fn each_gets_its_pushes_at(path: &str) {
    let (gateway, pusher) = pair(&[]);
    let run = run(&format!(
        "push --target http://{0}/v1/{path} --target {path}://{0} --sessions 40 --api http://{1} \
         --phase batch:500 --phase single:60 --phase all:3 --processes 2 --sources 127.0.0.2-127.0.0.3",
        gateway.http, pusher.address,
    ));
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    assert_eq!(run.report["received"]["arrived"], 560 + 120, "{}", run.output);
    assert_eq!(run.report["sessions"]["held_to_end"], 40);
    assert_eq!(run.report["sessions"]["alive"], 40, "{}", run.output);
    assert!(run.output.ends_with("all well"), "{}", run.output);
}

/// Of the sessions over HTTP at this path, some are dropped and come back, and the others get pushes meanwhile.
fn a_storm_goes_and_comes_back_at(path: &str, flags: &[&str]) {
    let (gateway, pusher) = pair(flags);
    let run = run(&format!(
        "storm --target http://{}/v1/{path} --sessions 60 --drop 20 --hold 200ms --settle 200ms \
         --api http://{} --push-rate 100 --operators http://{} --sample 100ms",
        gateway.http, pusher.address, gateway.operators,
    ));
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    let storm = &run.report["storms"][0];
    assert!(storm["gone_seconds"].is_f64() && storm["reopen_seconds"].is_f64(), "{storm:#}");
    assert_eq!(run.report["sessions"]["held_to_end"], 60);
    assert_eq!(run.report["pushes"]["missing"], 0);
}
