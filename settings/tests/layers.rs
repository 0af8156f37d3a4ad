//! Which source wins, and what wrong values say. One test, because the environment is shared.

use std::{ffi::OsString, time::Duration};

use clap::Parser;
use settings::{ConfigError, ListenRange, layers, units};

#[derive(Debug, Parser)]
#[command(name = "holdfast")]
struct Root {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, clap::Subcommand)]
enum Sub {
    Gateway(Gateway),
    Other(Other),
}

#[derive(Debug, clap::Args)]
struct Other {
    #[arg(long)]
    config: Option<std::path::PathBuf>,
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Gateway {
    #[arg(long)]
    config: Option<std::path::PathBuf>,
    /// How often
    #[arg(long, value_parser = units::positive_duration, default_value = "25s")]
    ping_interval: Duration,
    #[arg(long, default_value = "127.0.0.1:8080", value_delimiter = ',')]
    listen: Vec<ListenRange>,
    #[arg(long)]
    insecure: bool,
    #[arg(long, default_value_t = 16)]
    sessions_per_user: u32,
}

fn parse(arguments: &[&str]) -> Result<Gateway, ConfigError> {
    let arguments = ["holdfast", "gateway"].iter().chain(arguments).map(OsString::from).collect();
    match layers::parse(arguments)? {
        Root { command: Sub::Gateway(gateway) } => Ok(gateway),
        Root { command: Sub::Other(_) } => unreachable!("gateway was asked for"),
    }
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let folder = std::env::temp_dir().join(format!("holdfast-layers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |text: &str| {
        let file = folder.join("holdfast.toml");
        std::fs::write(&file, text).unwrap();
        format!("--config={}", file.display())
    };

    let defaults = parse(&[]).unwrap();
    assert_eq!((defaults.sessions_per_user, defaults.insecure), (16, false));

    let file = write(
        "ping-interval = \"10s\"\ninsecure = true\nsessions-per-user = 3\n\
         listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n",
    );
    let from_file = parse(&[&file]).unwrap();
    assert_eq!(from_file.ping_interval, Duration::from_secs(10));
    assert_eq!((from_file.listen.len(), from_file.insecure), (2, true));

    // One file for several commands; a command's own table beats what stands at the top.
    let shared = write(
        "\u{feff}sessions-per-user = 3\n[gateway]\nsessions-per-user = 4\n[other]\nname = \"o\"\n",
    );
    assert_eq!(parse(&[&shared]).unwrap().sessions_per_user, 4);

    let from_flags = parse(&[&file, "--listen", "127.0.0.1:9", "--sessions-per-user=5"]).unwrap();
    assert_eq!((from_flags.listen.len(), from_flags.sessions_per_user), (1, 5));

    for (text, names) in [
        ("ping-intervall = 1", ["ping-intervall", "ping-interval"]),
        ("ping-interval = \"fast\"", ["ping-interval in ", "fast is not accepted; a duration"]),
        ("insecure = 1", ["insecure", "true or false"]),
        (
            "sessions-per-user = -1",
            ["sessions-per-user in ", "-1 is out of range; give 0 to 4294967295"],
        ),
        (
            "sessions-per-user = 5000000000",
            ["(as --sessions-per-user)", "5000000000 is out of range"],
        ),
        ("[gateway]\nname = \"g\"", ["unknown key name", "belong in a table"]),
        ("[nobody]\nname = \"g\"", ["unknown key nobody", "known keys of gateway"]),
        ("listen = {}", ["listen", "array"]),
        ("=", ["--config", "TOML"]),
    ] {
        let error = parse(&[&write(text)]).expect_err(text).to_string();
        assert!(names.iter().all(|name| error.contains(name)), "{text}: {error}");
    }
    for (arguments, words) in [
        (["--ping-interval=5", ""], "--ping-interval: 5 is not accepted; a duration is"),
        (["--ping-interval", "0s"], "--ping-interval: 0s is not accepted; give more than 0s"),
        (["--ping-intervall=5s", ""], "did you mean --ping-interval?"),
        (
            ["--listen=nowhere:1", ""],
            "--listen: nowhere:1 is not accepted; \"nowhere\" should be an IP",
        ),
        (["--sessions-per-user", "1.5"], "--sessions-per-user: 1.5 is no whole number; write"),
        (["--insecure=perhaps", ""], "--insecure"),
    ] {
        let given: Vec<_> = arguments.into_iter().filter(|argument| !argument.is_empty()).collect();
        let error = parse(&given).expect_err(words).to_string();
        assert!(error.contains(words) && !error.contains('\n'), "{given:?}: {error}");
    }
    let echoed = parse(&[&format!("--sessions-per-user={}", "9".repeat(60_000))]);
    let echoed = echoed.expect_err("too large").to_string();
    assert!(echoed.len() < 300, "{} bytes", echoed.len());
    let missing = parse(&["--config=/nowhere.toml"]).expect_err("no such file").to_string();
    assert!(missing.contains("/nowhere.toml"), "{missing}");
    std::fs::remove_dir_all(&folder).unwrap();
}
