//! What `--help` says: flags in groups, each with its variable and its key.

use crate::harness::{Process, eventually};

fn help(scenario: &str) -> String {
    let arguments = ["stress", scenario, "--help"].map(str::to_owned);
    let mut process = Process::start(&arguments);
    assert!(process.wait().success());
    eventually("the help", || {
        let text = process.output().join("\n");
        text.contains("--help").then_some(text)
    })
}

#[test]
fn flags_are_in_groups_with_all_their_names() {
    let common = ["Sessions", "Verdict", "Watching", "Report", "Configuration and logs"];
    for (scenario, own) in
        [("idle", &[][..]), ("push", &["Pushes"]), ("storm", &["Storm"]), ("probe", &["Probes"])]
    {
        let text = help(scenario);
        for heading in common.iter().chain(own) {
            assert!(text.contains(&format!("\n{heading}:\n")), "{scenario}: {heading}: {text}");
        }
        let flags: Vec<_> = text.split("\n      --").skip(1).collect();
        assert!(flags.len() > 20, "{scenario}: {text}");
        for flag in flags {
            let name = flag.split([' ', '\n']).next().unwrap();
            let variable = format!("HOLDFAST_{}", name.replace('-', "_").to_uppercase());
            assert!(flag.contains(&format!("[env: {variable}]")), "{scenario}: {flag}");
            let joined = flag.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_keyed = joined.contains(&format!("[key: {name}]"));
            assert!(is_keyed || name == "config", "{scenario}: {flag}");
        }
    }
    // Nothing of a scenario's own is left among the unnamed.
    let rest = help("push").split("\nOptions:\n").nth(1).map(str::to_owned).unwrap_or_default();
    let unnamed = rest.split("\n\n").next().unwrap_or_default().matches("      --").count();
    assert_eq!(unnamed, 0, "{rest}");
}
