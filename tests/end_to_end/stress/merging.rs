//! Several reports become one, as text, JSON and a page.

use std::fs;

use super::{Folder, end, run, start, targets};
use crate::harness::Gateway;

#[test]
fn reports_of_two_clients_add_up() {
    let gateway = Gateway::start(&[]);
    let folder = Folder::new();
    let watching = format!("--operators http://{} --sample 100ms", gateway.operators);
    let clients = ["a", "b"].map(|name| {
        let (json, target) = (folder.file(name), targets(&gateway));
        let flags = format!("idle {target} --sessions 60 --user-prefix {name} --hold 300ms");
        start(&format!("{flags} {watching} --json {json}"))
    });
    for (process, name) in clients.into_iter().zip(["a", "b"]) {
        assert_eq!(end(process, &folder.file(name)).code, Some(0));
    }
    let (json, html) = (folder.file("merged.json"), folder.file("merged.html"));
    let files = format!("{} {}", folder.file("a"), folder.file("b"));
    let merged = end(start(&format!("merge {files} --json {json} --html {html}")), &json);
    assert_eq!(merged.code, Some(0), "{}", merged.log);
    assert_eq!(merged.report["sessions"]["held_to_end"], 120);
    assert_eq!(merged.report["sessions"]["processes"], 2);
    let page = fs::read_to_string(&html).unwrap();
    assert!(page.matches("<svg").count() >= 3 && page.contains("of 120 asked for"), "{page}");
    // What was merged can be merged again, and is the same alone.
    let again = end(start(&format!("merge {json} --json {json}")), &json);
    assert_eq!(again.report, merged.report);
}

#[test]
fn reports_are_found_in_a_log() {
    let gateway = Gateway::start(&[]);
    let folder = Folder::new();
    let file = folder.file("log");
    let mut log = "what somebody else says\n{\"level\":\"INFO\"}\n".to_owned();
    for name in ["a", "b"] {
        let flags =
            format!("idle {} --sessions 20 --user-prefix {name} --hold 0s", targets(&gateway));
        let mut process = start(&format!("{flags} --json -"));
        assert_eq!(process.wait().code(), Some(0));
        log += &format!("{}\n{}\n", process.log().join("\n"), process.output().join("\n"));
    }
    fs::write(&file, log).unwrap();
    let merged = run(&format!("merge {file}"));
    assert_eq!(merged.code, Some(0), "{}", merged.log);
    assert_eq!(merged.report["sessions"]["held_to_end"], 40);
    assert_eq!(merged.report["sessions"]["processes"], 2);
}

#[test]
fn what_is_no_report_is_refused_by_file_and_field() {
    let gateway = Gateway::start(&[]);
    let good = run(&format!("idle {} --sessions 3 --hold 0s", targets(&gateway))).report;
    let folder = Folder::new();
    let file = folder.file("broken.json");
    let mut broken = good.clone();
    broken["record"]["tally"]["arrivals"]["connect"] = "AAAA".into();
    for (text, field) in [
        (broken.to_string(), "record.tally.arrivals.connect"),
        ("{}".to_owned(), "missing field `record`"),
        (good.to_string().replace("\"form\":2", "\"form\":3"), "record.form"),
    ] {
        fs::write(&file, text).unwrap();
        let run = run(&format!("merge {file}"));
        assert_eq!(run.code, Some(2), "{}", run.log);
        assert!(run.log.contains(&file) && run.log.contains(field), "{}", run.log);
    }
    assert_eq!(run("merge /nonexistent").code, Some(2));
}
