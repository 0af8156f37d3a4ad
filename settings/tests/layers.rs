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
    let Root { command: Sub::Gateway(gateway) } = layers::parse(arguments)?;
    Ok(gateway)
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

    let from_flags = parse(&[&file, "--listen", "127.0.0.1:9", "--sessions-per-user=5"]).unwrap();
    assert_eq!((from_flags.listen.len(), from_flags.sessions_per_user), (1, 5));

    for (text, names) in [
        ("ping-intervall = 1", ["ping-intervall", "ping-interval"]),
        ("ping-interval = \"fast\"", ["--ping-interval", "30s"]),
        ("insecure = 1", ["insecure", "true or false"]),
        ("sessions-per-user = -1", ["--sessions-per-user", "-1"]),
        ("listen = {}", ["listen", "array"]),
        ("=", ["--config", "TOML"]),
    ] {
        let error = parse(&[&write(text)]).expect_err(text).to_string();
        assert!(names.iter().all(|name| error.contains(name)), "{text}: {error}");
    }
    let missing = parse(&["--config=/nowhere.toml"]).expect_err("no such file").to_string();
    assert!(missing.contains("/nowhere.toml"), "{missing}");
    std::fs::remove_dir_all(&folder).unwrap();
}
