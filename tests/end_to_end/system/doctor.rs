//! `holdfast doctor` without any rights.

use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{Gateway, process::BINARY};

fn doctor(flags: &[&str]) -> (i32, Output) {
    let output = Command::new(BINARY).arg("doctor").args(flags).output().unwrap();
    (output.status.code().unwrap(), output)
}

#[test]
fn the_exit_code_says_whether_it_is_enough() {
    let (code, output) = doctor(&["--sessions=1", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code, &answer["good"]), (0, &Value::Bool(true)), "{answer:#}");
    assert!(answer["fits"].as_u64().unwrap() >= 1);
    let (code, output) = doctor(&["--sessions=4294967295", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code, &answer["good"]), (1, &Value::Bool(false)));
    let stopped_by = &answer["stopped_by"];
    let rows = answer["limits"].as_array().unwrap();
    let row = rows.iter().find(|row| row["limit"] == *stopped_by).unwrap();
    assert_eq!(row["fits"], answer["fits"]);
    for row in rows {
        let is_fine = row["verdict"] == "ok" || row["verdict"] == "unknown";
        assert_eq!(row.get("cure").is_none(), is_fine, "{row:#}");
    }
    for bad in rows.iter().filter(|row| row["verdict"] == "too_low") {
        assert!(!bad["cure"].as_str().unwrap().is_empty(), "{bad:#}");
        assert!(!bad["symptom"].as_str().unwrap().is_empty(), "{bad:#}");
    }
}

#[test]
fn what_is_wrong_with_the_flags_is_said() {
    // Above the highest there can be.
    let (code, output) = doctor(&["--pid=4194305"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(code, 2);
    assert!(error.contains("--pid") && error.contains("no such process"), "{error}");
    assert_eq!(doctor(&["--sessions=0"]).0, 2);
    let (code, output) = doctor(&["--keep-in=/tmp/x"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(code, 2);
    assert!(error.contains("--fix"), "{error}");
}

#[test]
fn a_running_gateway_is_looked_at_from_outside() {
    let gateway = Gateway::start(&["--backlog=77"]);
    let pid = format!("--pid={}", gateway.process.pid());
    let (_, output) = doctor(&[&pid, "--sessions=100000", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["process"], gateway.process.pid());
    let rows = answer["limits"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["limit"] == "listen() backlog"), "{answer:#}");
}

#[test]
fn sessions_over_tls_need_more_memory() {
    let needed = |flags: &[&str]| {
        let (_, output) = doctor(&[&["--sessions=100000", "--json"], flags].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["over_tls"], !flags.is_empty(), "{answer:#}");
        let rows = answer["limits"].as_array().unwrap();
        let memory = rows.iter().find(|row| row["limit"] == "available memory").unwrap();
        memory["needed"].as_u64().unwrap()
    };
    assert_eq!(needed(&["--tls"]) - needed(&[]), 100_000 * 5_000);
}

#[test]
fn the_page_fits_a_hundred_columns() {
    let (_, output) = doctor(&["--sessions=4294967295", "--with-client"]);
    let page = String::from_utf8(output.stdout).unwrap();
    // Commands are not broken, so that they can be copied.
    for line in page.lines().filter(|line| !line.starts_with("    ")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let named = page.split("\nRLIMIT_NOFILE is too low (").nth(1).expect(&page);
    let cure = named.lines().find(|line| line.starts_with("    where it is started: ulimit -n"));
    assert!(cure.is_some(), "{page}");
    // The one sentence that matters comes first.
    assert!(page.lines().next().unwrap().contains("stopped first by"), "{page}");
    assert!(page.lines().any(|line| line.starts_with("limit ") && line.ends_with("verdict")));
}
