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
fn the_page_fits_a_hundred_columns() {
    let (_, output) = doctor(&["--sessions=4294967295", "--with-client"]);
    let page = String::from_utf8(output.stdout).unwrap();
    // Commands are not broken, so that they can be copied.
    for line in page.lines().filter(|line| !line.starts_with("    ")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    assert!(
        page.contains("RLIMIT_NOFILE is too low:\n    where it is started: ulimit -n"),
        "{page}"
    );
    assert!(page.lines().last().unwrap().contains("stopped first by"), "{page}");
}
