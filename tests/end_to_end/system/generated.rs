//! What is made from the flags says what they say: the file with every key, man pages, completions.

use std::{collections::BTreeSet, fs};

use crate::harness::{
    Gateway, Process, PusherApi, eventually,
    files::{TestDirectory, TestFile},
};

/// Has something made in a folder of its own.
fn generate(what: &str) -> TestDirectory {
    let folder = TestDirectory::new(what);
    let path = folder.path().display().to_string();
    let mut process = Process::start(&["generate".to_owned(), what.to_owned(), path]);
    assert!(process.wait().success(), "{:?}", process.log());
    folder
}

/// What `--help` of a command prints.
fn help(command: &[&str]) -> String {
    let arguments = command.iter().chain(&["--help"]).map(|argument| (*argument).to_owned());
    let mut process = Process::start(&arguments.collect::<Vec<_>>());
    assert!(process.wait().success());
    eventually("the help", || {
        let text = process.output().join("\n");
        text.contains("--help").then_some(text)
    })
}

/// The lines of the file with every key, and where they stand.
fn table<'a>(file: &'a str, name: &str) -> Vec<&'a str> {
    let head = format!("[{name}]");
    let lines = file.lines().skip_while(|line| *line != head).skip(1);
    lines.take_while(|line| !line.starts_with('[')).collect()
}

#[test]
fn the_file_has_every_key_of_every_command_that_reads_one() {
    let folder = generate("config");
    let file = fs::read_to_string(folder.path().join("holdfast.toml")).unwrap();
    let commands: [&[&str]; 6] = [
        &["up"],
        &["gateway"],
        &["pusher-api"],
        &["stress", "idle"],
        &["stress", "push"],
        &["stress", "merge"],
    ];
    for command in commands {
        let lines = table(&file, &command.join("."));
        let keys: BTreeSet<_> = lines
            .iter()
            .filter_map(|line| line.strip_prefix('#')?.split_once(" = "))
            .map(|(key, _)| key)
            .filter(|key| !key.starts_with(' '))
            .collect();
        let help = help(command).split_whitespace().collect::<Vec<_>>().join(" ");
        let named = help.split("[key: ").skip(1).filter_map(|rest| rest.split(']').next());
        assert_eq!(keys, named.collect(), "{command:?}");
    }
}

#[test]
fn its_defaults_are_taken_as_they_stand_there() {
    let folder = generate("config");
    let file = fs::read_to_string(folder.path().join("holdfast.toml")).unwrap();
    let is_default = |line: &str| line.starts_with('#') && !line.starts_with("# ");
    let lines = file.lines().map(|line| match is_default(line) && !line.contains('<') {
        true => line.trim_start_matches('#'),
        false => line,
    });
    let file = TestFile::new("defaults.toml", &lines.collect::<Vec<_>>().join("\n"));
    let gateway = Gateway::start(&["--development", &file.flag("config")]);
    assert_eq!(gateway.get("/healthz").status, 200);
    PusherApi::start(&[&gateway], &["--development", &file.flag("config")]);
}

#[test]
fn every_command_has_a_page_and_every_shell_its_completions() {
    let pages = generate("man");
    for page in ["", "-gateway", "-pusher-api", "-stress", "-stress-idle", "-doctor", "-token"] {
        let file = pages.path().join(format!("holdfast{page}.1"));
        let text = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{}", file.display()));
        assert!(text.contains(".TH") && text.contains(".SH NAME"), "{page}: {text}");
    }
    let gateway = fs::read_to_string(pages.path().join("holdfast-gateway.1")).unwrap();
    for name in ["ping\\-interval", "HOLDFAST_PING_INTERVAL", "25s"] {
        assert!(gateway.contains(name), "{name}: {gateway}");
    }
    let completions = generate("completions");
    for file in ["holdfast.bash", "_holdfast", "holdfast.fish"] {
        let text = fs::read_to_string(completions.path().join(file)).unwrap();
        assert!(text.contains("ping-interval"), "{file}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let arguments = ["generate", "man", "/proc/nothing"].map(str::to_owned);
    let mut process = Process::start(&arguments);
    assert_eq!(process.wait().code(), Some(1));
    assert!(process.log().join("\n").contains("/proc/nothing"), "{:?}", process.log());
}
