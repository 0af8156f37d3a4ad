//! Wrong settings stop a process before it opens a port; right ones come from three places.

use std::{fs, path::PathBuf, process::Command};

use crate::harness::{
    Client, Gateway, Process, Tcp, client::Refused, eventually, process::BINARY, servers::arguments,
};

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let mut process = Process::start(&arguments);
    let status = process.wait();
    (status.code(), process.log().join("\n"))
}

/// A file that goes when the test is over.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("holdfast-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn flag(&self) -> String {
        format!("--config={}", self.0.display())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn wrong_values_are_named_with_what_would_be_right() {
    let cases: [(&[&str], &[&str]); 17] = [
        (&["gateway", "--ping-interval=5"], &["--ping-interval", "5", "30s"]),
        (&["gateway", "--max-frame=lots"], &["--max-frame", "lots", "64KiB"]),
        (&["gateway", "--max-frame=10"], &["--max-frame", "10", "1024"]),
        (&["gateway", "--outbound-limit=1KiB"], &["--outbound-limit", "1024", "131072"]),
        (&["gateway", "--sessions-per-user=0"], &["--sessions-per-user", "0", "1"]),
        (&["gateway", "--listen=localhost"], &["--listen", "localhost", "IP:PORT"]),
        (&["gateway", "--nonsense"], &["--nonsense"]),
        (&["gateway", "--jwt-secret="], &["--jwt-secret", "empty"]),
        (&["gateway", "--jwt-secret-file=/nowhere"], &["--jwt-secret-file", "/nowhere"]),
        (&["gateway", "--jwt-public-key=/nowhere"], &["--jwt-public-key", "/nowhere"]),
        (&["gateway", "--jwt-public-key=/dev/null"], &["--jwt-public-key", "PEM"]),
        (&["gateway", "--jwks=/dev/null"], &["--jwks", "JSON Web Key Set"]),
        (&["gateway", "--config=/nowhere.toml"], &["--config", "/nowhere.toml"]),
        (&["gateway", "--max-links=0"], &["--max-links", "0", "1"]),
        (&["pusher-api", "--gateway=gateway-0"], &["--gateway", "gateway-0", "://"]),
        (&["pusher-api", "--link-queue=1KiB"], &["--link-queue", "1024", "2MiB"]),
        (&["token", "--user=u"], &["--secret"]),
    ];
    // A process that opened its port would fail in another way.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("--listen={}", taken.local_addr().unwrap());
    for (arguments, names) in cases {
        let more = (arguments[0] != "token" && !arguments.concat().contains("--listen"))
            .then_some(taken.as_str());
        let (code, log) = run(&[arguments, more.as_slice()].concat());
        assert_eq!(code, Some(2), "{arguments:?}: {log}");
        assert!(names.iter().all(|name| log.contains(name)), "{arguments:?}: {log}");
    }
}

#[test]
fn open_listeners_need_authentication() {
    let cases: [(&[&str], &str); 6] = [
        (&["gateway", "--listen=0.0.0.0:0"], "--jwt-secret"),
        (&["gateway", "--listen-tcp=0.0.0.0:0"], "--jwt-secret"),
        (&["gateway", "--listen-operators=0.0.0.0:0"], "--link-secret"),
        (
            &["gateway", "--listen=0.0.0.0:0", "--listen-operators=[::]:0", "--jwt-secret=s"],
            "--link-secret",
        ),
        (&["pusher-api", "--listen=0.0.0.0:0"], "--api-key"),
        (&["pusher-api", "--listen=0.0.0.0:0", "--api-key=k"], "--link-secret"),
    ];
    for (arguments, missing) in cases {
        let (code, log) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {log}");
        assert!(log.contains(missing) && log.contains("--insecure"), "{arguments:?}: {log}");
    }
    // Also on loopback somebody has to say that nobody is asked for a key.
    for (arguments, missing) in [(["gateway"], "--jwt-secret"), (["pusher-api"], "--api-key")] {
        let (code, log) = run(&arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {log}");
        for flag in [missing, "--development", "--insecure"] {
            assert!(log.contains(flag), "{arguments:?}: {log}");
        }
        let (code, log) = run(&[arguments[0], "--development", "--listen=0.0.0.0:0"]);
        assert!(code == Some(2) && log.contains("--development"), "{log}");
    }
    // On purpose it is allowed.
    let any = "0.0.0.0:0".parse().unwrap();
    let flags = vec!["--insecure".to_owned()];
    Gateway::listen([any; 3], flags.clone(), Process::start(&arguments([any; 3], &flags)));
}

#[test]
fn unknown_keys_of_a_file_are_named() {
    let file = File::new("unknown.toml", "ping-intervall = \"10s\"\n");
    let (code, log) = run(&["gateway", &file.flag()]);
    assert_eq!(code, Some(2));
    assert!(["ping-intervall", "ping-interval,"].iter().all(|key| log.contains(key)), "{log}");
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let file = File::new("layers.toml", "sessions-per-user = 1\n");
    for (flag, variable, with_file, expected) in [
        (None, None, false, 16),
        (None, None, true, 1),
        (None, Some("2"), true, 2),
        (Some("--sessions-per-user=3"), Some("2"), true, 3),
    ] {
        let any = "127.0.0.1:0".parse().unwrap();
        let mut flags: Vec<_> = flag.into_iter().map(str::to_owned).collect();
        flags.extend(with_file.then(|| file.flag()));
        let mut command = Command::new(BINARY);
        command.args(arguments([any; 3], &flags));
        command.envs(variable.map(|value| ("HOLDFAST_SESSIONS_PER_USER", value)));
        let gateway = Gateway::listen([any; 3], flags, Process::spawn(command));
        let _sessions: Vec<_> = (0..expected).map(|_| Tcp::join(&gateway, "u")).collect();
        let refused = Tcp::open(&gateway, "u").err();
        assert_eq!(refused, Some(Refused::Reason("too_many_sessions".into())), "{expected}");
    }
}

#[test]
fn what_is_wrong_is_blamed_on_who_said_it() {
    let file = File::new("blamed.toml", "[gateway]\nmax-frame = \"lots\"\n");
    for (variable, flag, named) in [
        (Some(("HOLDFAST_MAX_FRAME", "much")), None, "HOLDFAST_MAX_FRAME (as --max-frame): much"),
        (None, Some(file.flag()), "max-frame in "),
        (Some(("HOLDFAST_ECHO", "perhaps")), None, "HOLDFAST_ECHO (as --echo): perhaps"),
    ] {
        let mut command = Command::new(BINARY);
        command.arg("gateway").args(flag).envs(variable);
        let mut process = Process::spawn(command);
        assert_eq!(process.wait().code(), Some(2), "{named}");
        let log = process.log().join("\n");
        assert!(log.contains(named), "{named}: {log}");
    }
}

#[test]
fn switches_are_variables_and_strange_variables_are_named() {
    let any = "127.0.0.1:0".parse().unwrap();
    let mut command = Command::new(BINARY);
    command.args(arguments([any; 3], &[])).env("HOLDFAST_ECHO", "1").env("HOLDFAST_ECO", "1");
    command.env("HOLDFAST_SERVICE_HOST", "10.0.0.1");
    let mut process = Process::spawn(command);
    process.find_in_log("that it listens", |line| line.contains("gateway listening").then_some(()));
    let log = process.log().join("\n");
    let warned: Vec<_> = log.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert!(warned.len() == 1 && warned[0].contains("HOLDFAST_ECO is no setting"), "{log}");
}

#[test]
fn variables_mean_the_subcommand_that_runs() {
    // Several addresses are fine for a gateway, though not for `holdfast` alone.
    let mut command = Command::new(BINARY);
    command.args(["gateway", "--development"]);
    command.args(["--listen-tcp=127.0.0.1:0", "--listen-operators=127.0.0.1:0"]);
    command.env("HOLDFAST_LISTEN", "127.0.0.1:0,127.0.0.1:0");
    Process::spawn(command).find_in_log("a gateway with two addresses", |line| {
        line.contains("gateway listening").then_some(())
    });
}

#[test]
fn help_names_flag_variable_key_and_default() {
    let arguments = ["gateway".to_owned(), "--help".to_owned()];
    let mut process = Process::start(&arguments);
    assert_eq!(process.wait().code(), Some(0));
    let help = eventually("the help", || {
        // Lines are folded to the width of the terminal.
        let help = process.output().join(" ");
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        help.contains("--echo").then_some(help)
    });
    for text in ["--ping-interval", "HOLDFAST_PING_INTERVAL", "[key: ping-interval]", "25s"] {
        assert!(help.contains(text), "{text} is not in {help}");
    }
}

#[test]
fn a_taken_address_is_an_error_that_names_it() {
    let gateway = Gateway::start(&[]);
    let address = format!("--listen={}", gateway.http);
    let (code, log) = run(&[
        "gateway",
        "--development",
        &address,
        "--listen-tcp=127.0.0.1:0",
        "--listen-operators=127.0.0.1:0",
    ]);
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains(&gateway.http.to_string()), "{log}");
}
