//! Which settings a gateway starts with.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

/// The settings of a command line.
pub(crate) fn settings(flags: &[&str]) -> Settings {
    Flags::parse_from(["gateway"].iter().chain(flags)).settings
}

#[test]
fn settings_are_taken() {
    let cases: [&[&str]; 11] = [
        &["--development"],
        &["--insecure"],
        &["--development", "--outbound-limit=128KiB", "--max-frame=1KiB", "--push-memory=1MiB"],
        &["--development", "--max-frame=16MiB", "--workers=1024", "--ping-interval=24h"],
        &["--development", "--drain=0s", "--max-sessions=0", "--handshake-rate=0"],
        &["--development", "--listen=127.0.0.1:8100-8199,[::1]:8080", "--listen-tcp=localhost:0"],
        &["--listen=0.0.0.0:80", "--jwt-secret=s"],
        &["--listen-tcp=[::]:80", "--jwt-public-key=/etc/key.pem"],
        &["--listen=0.0.0.0:80", "--jwks=/etc/keys.json"],
        &["--insecure", "--listen-operators=0.0.0.0:80", "--link-secret-file=/etc/secret"],
        &["--listen=0.0.0.0:80", "--listen-operators=0.0.0.0:81", "--insecure"],
    ];
    for flags in cases {
        assert_eq!(settings(flags).validate(), Ok(()), "{flags:?}");
    }
}

#[test]
fn settings_out_of_range_name_their_flag() {
    let cases: [(&[&str], &str); 22] = [
        (&[], "--jwt-secret"),
        (&["--link-secret=s"], "--jwt-secret"),
        (&["--development", "--listen-operators=0.0.0.0:1"], "--development"),
        (&["--sessions-per-user=0"], "--sessions-per-user"),
        (&["--sessions-per-user=10001"], "--sessions-per-user"),
        (&["--max-pending=0"], "--max-pending"),
        (&["--pending-memory=63KiB"], "--pending-memory"),
        (&["--max-frame=1023"], "--max-frame"),
        (&["--max-frame=17MiB"], "--max-frame"),
        (&["--frame-rate=0"], "--frame-rate"),
        (&["--backlog=0"], "--backlog"),
        (&["--outbound-limit=100KiB"], "--outbound-limit"),
        (&["--push-memory=1KiB"], "--push-memory"),
        (&["--workers=1025"], "--workers"),
        (&["--ping-interval=25h"], "--ping-interval"),
        (&["--listen=127.0.0.1:1,0.0.0.0:2"], "--jwt-secret"),
        (&["--listen-tcp=[::]:1"], "--jwt-secret"),
        (&["--listen-operators=10.0.0.1:1", "--jwt-secret=s"], "--link-secret"),
        (&["--listen=0.0.0.0:1", "--link-secret=s"], "--jwt-secret"),
        (&["--max-session-age=999ms"], "--max-session-age"),
        (&["--proxy-protocol"], "--trusted-proxy"),
        (&["--trusted-proxy=::1", "--proxy-protocol=127.0.0.1:1"], "--proxy-protocol"),
    ];
    for (flags, flag) in cases {
        let error = settings(flags).validate().expect_err(flag);
        assert!(error.key.starts_with(flag), "{flags:?}: {error}");
        assert!(!error.problem.is_empty() && !error.expected.is_empty(), "{error}");
    }
}
