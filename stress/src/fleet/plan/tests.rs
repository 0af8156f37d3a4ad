//! Which flags make which shares, and which are refused.

use std::net::SocketAddr;

use clap::Parser;

use super::*;
use crate::settings::scenarios::{Scenario, Settings};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    settings: Settings,
}

fn sessions(flags: &str) -> Result<Sessions, ConfigError> {
    let arguments = ["stress", "idle"].into_iter().chain(flags.split_whitespace());
    let command: Command = settings::layers::parse(arguments.map(Into::into).collect())?;
    match command.settings.scenario {
        Scenario::Idle(idle) => Ok(idle.sessions),
        other => panic!("{other:?}"),
    }
}

fn planned(flags: &str) -> Result<Vec<Assignment>, ConfigError> {
    assignments(&sessions(flags)?, Course::default(), 20_000, 1)
}

fn server_of(share: &Assignment, number: u32) -> SocketAddr {
    share.targets.pick(share.place(number)).0
}

#[test]
fn shares_cover_every_session_once() {
    for (flags, workers) in [
        ("--sessions 100000", 6),
        ("--sessions 18800", 1),
        ("--sessions 18801", 2),
        ("--sessions 7 --processes 3", 3),
        ("--sessions 2 --processes 9", 2),
    ] {
        let shares = planned(flags).unwrap_or_else(|error| panic!("{flags}: {error}"));
        assert_eq!(shares.len(), workers, "{flags}");
        let mut next = 0;
        for share in &shares {
            assert_eq!(share.first, next, "{flags}");
            assert!(share.count > 0, "{flags}");
            next += share.count;
        }
        assert_eq!(next, sessions(flags).expect(flags).sessions, "{flags}");
    }
}

#[test]
fn targets_and_rates_are_spread() {
    let shares = planned(
        "--target ws://127.0.0.1:8100-8105 --target tcp://[::1]:9 --sessions 10 --processes 4 \
         --rate 10 --no-hello",
    )
    .expect("a plan");
    assert_eq!(shares[0].targets.count(), 7);
    assert!(!shares[0].needs_hello);
}

#[test]
fn each_source_meets_each_target_before_a_pair_comes_again() {
    let flags = "--target ws://127.0.0.1:8100-8102 --sources 127.0.0.2-127.0.0.3 --sessions 12";
    let share = planned(flags).expect("a plan").remove(0);
    let pairs: Vec<_> = (0..12)
        .map(|number| (share.source(number).expect("a source"), server_of(&share, number)))
        .collect();
    let distinct: std::collections::HashSet<_> = pairs[..6].iter().collect();
    assert_eq!(distinct.len(), 6);
    assert_eq!(pairs[..6], pairs[6..]);
}

#[test]
fn several_processes_fill_one_target_after_another_and_all_alike() {
    let flags = "--target ws://127.0.0.1:8100-8104 --sources 127.0.0.2-127.0.0.3 --sessions 23 \
                 --processes 3";
    let shares = planned(flags).expect("a plan");
    let numbers = |share: &Assignment| share.first..share.first + share.count;
    let pairs: Vec<_> = shares
        .iter()
        .flat_map(|share| {
            numbers(share).map(|number| (server_of(share, number), share.source(number)))
        })
        .collect();
    assert!(pairs.is_sorted_by_key(|pair| pair.0));
    for port in 8100..8105 {
        let count = pairs.iter().filter(|pair| pair.0.port() == port).count();
        assert!((4..=5).contains(&count), "{port}: {count}");
    }
    assert!(pairs.windows(2).all(|two| two[0].1 != two[1].1), "sources alternate");
}

#[test]
fn what_is_dropped_is_spread_over_the_workers() {
    for (flags, dropped) in [
        ("--sessions 10 --processes 4", 9),
        ("--sessions 7 --processes 3", 1),
        ("--sessions 100000", 34_000),
        ("--sessions 5 --processes 2", 0),
    ] {
        let sessions = sessions(flags).expect(flags);
        let course = Course { dropped, returns: None };
        let shares = assignments(&sessions, course, 20_000, 1).expect(flags);
        let kept: u32 = shares.iter().map(|share| share.kept).sum();
        assert_eq!(kept, sessions.sessions - dropped, "{flags}");
        assert!(shares.iter().all(|share| share.kept <= share.count), "{flags}");
    }
}

#[test]
fn wrong_settings_name_their_flag() {
    let long = format!("--user-prefix {}", "x".repeat(128));
    let cases = [
        ("--target gopher://h:1", "--target", "wss://, tcps://, https:// for TLS"),
        ("--target wss://127.0.0.1:1 --tls-ca /none.pem", "--tls-ca", "readable"),
        ("--target nonsense", "--target", "SCHEME"),
        ("--sessions 0", "--sessions", "at least 1"),
        ("--concurrency 0", "--concurrency", "1 to 65535"),
        ("--hold 5", "--hold", "30s"),
        ("--connect-timeout 0s", "--connect-timeout", "more than 0s"),
        ("--sources 9-1", "--sources", "9-1"),
        ("--sources ::1", "--sources", "IP version"),
        ("--sessions 100000 --processes 2", "--processes", "give 6"),
        (&long, "--user-prefix", "shorter"),
        ("--token-secret a --token-secret-file b", "--token-secret", "one of them"),
        ("--token-secret-file /nonexistent", "--token-secret-file", "readable"),
    ];
    for (flags, key, hint) in cases {
        let Err(error) = planned(flags) else { panic!("{flags} is accepted") };
        assert_eq!(error.key, key, "{flags}: {error}");
        assert!(error.to_string().contains(hint), "{flags}: {error}");
    }
}

#[test]
fn every_pair_counts_its_own_turns() {
    use crate::session::ports::Ports;

    for flags in [
        "--sessions 40 --target ws://127.0.0.1:1-2 --sources 127.0.0.2-127.0.0.3",
        "--sessions 40 --target ws://127.0.0.1:1-2 --sources 127.0.0.2-127.0.0.3 --processes 4",
        "--sessions 37 --target ws://127.0.0.1:1-3 --processes 5",
    ] {
        let mut seen = std::collections::BTreeSet::new();
        let mut chosen = 0;
        for mut share in planned(flags).expect(flags) {
            share.ports = Ports::parse("50000 50007", "", 0);
            for number in share.first..share.first + share.count {
                let Some(port) = share.port(number) else { continue };
                let server = server_of(&share, number);
                assert!(seen.insert((server, share.source(number), port)), "{flags}: {number}");
                chosen += 1;
            }
        }
        // Of the sessions of each pair the fifth to the eighth.
        assert!(chosen >= 12, "{flags}: {chosen}");
    }
}
