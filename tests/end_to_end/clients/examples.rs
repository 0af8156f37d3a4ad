//! The library's examples, run as they are.

use crate::harness::{Process, eventually, example, pair};

#[test]
fn examples_push_and_hear() {
    let (gateway, pusher) = pair(&[]);
    let (gateway, pusher) =
        (format!("ws://{}", gateway.http), format!("http://{}", pusher.address));
    let mut session = Process::spawn(example("device", &[&gateway, "demo", "6"]));
    session.find_in_log("connected", |line| line.starts_with("connected").then_some(()));
    let said = ["backend", "blocking"].map(|name| {
        let output = example(name, &[&pusher, "demo"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    // Nothing is kept here.
    assert_eq!(said, ["3 of 4 were accepted\n", "3 of 3 were accepted\n"]);
    assert!(session.wait().success());
    let heard = eventually("all are heard", || {
        let lines = session.output();
        (lines.len() == 6).then_some(lines)
    });
    let expected = [1, 2, 3, 1, 2, 3].map(|number| format!("\"number {number}\""));
    assert_eq!(heard, expected);
}
