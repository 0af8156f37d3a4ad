use proptest::prelude::*;

use super::*;
use crate::{
    Assessment, Counters,
    cgroup::MemoryUse,
    machine::Memory,
    process::{Descriptors, ProcessLimits},
    reserved::ReservedPorts,
    row::{Change, Verdict},
    sockets::{Listener, Sockets},
    sysctl::Sysctls,
};

const GIB: u64 = 1 << 30;

/// What a machine of 24 GiB comes with.
fn defaults() -> Vec<(&'static str, Vec<u64>)> {
    vec![
        ("fs.epoll.max_user_watches", vec![5_491_511]),
        ("fs.file-max", vec![2_466_170]),
        ("fs.file-nr", vec![649, 0, 2_466_170]),
        ("fs.nr_open", vec![1_048_576]),
        ("net.core.netdev_max_backlog", vec![1000]),
        ("net.core.somaxconn", vec![4096]),
        ("net.ipv4.ip_local_port_range", vec![32_768, 60_999]),
        ("net.ipv4.tcp_abort_on_overflow", vec![0]),
        ("net.ipv4.tcp_ehash_entries", vec![262_144]),
        ("net.ipv4.tcp_fin_timeout", vec![60]),
        ("net.ipv4.tcp_keepalive_time", vec![7200]),
        ("net.ipv4.tcp_max_orphans", vec![131_072]),
        ("net.ipv4.tcp_max_syn_backlog", vec![2048]),
        ("net.ipv4.tcp_max_tw_buckets", vec![131_072]),
        ("net.ipv4.tcp_mem", vec![287_898, 383_867, 575_796]),
        ("net.ipv4.tcp_retries2", vec![15]),
        ("net.ipv4.tcp_rmem", vec![4096, 131_072, 6_291_456]),
        ("net.ipv4.tcp_syncookies", vec![1]),
        ("net.ipv4.tcp_wmem", vec![4096, 16_384, 4_194_304]),
        ("net.netfilter.nf_conntrack_buckets", vec![262_144]),
        ("net.netfilter.nf_conntrack_max", vec![262_144]),
    ]
}

fn machine(changes: &[(&'static str, Vec<u64>)]) -> Machine {
    let descriptors = Descriptors { soft: 1024, hard: 524_288, table: 64 };
    Machine {
        process: ProcessLimits { descriptors, user: 0 },
        sysctls: Sysctls::of(changes.to_vec()).or(Sysctls::of(defaults())),
        counters: Counters::default(),
        sockets: Sockets::default(),
        reserved_ports: ReservedPorts::default(),
        in_first_network: true,
        soft_limit: None,
        cgroup: None,
        memory: Memory { total: 24 * GIB, available: 23 * GIB },
    }
}

fn ask(sessions: u64) -> Question {
    Question { sessions, process: None, with_client: false, over_tls: false }
}

fn row(assessment: &Assessment, limit: &str) -> Row {
    assessment.limits.iter().find(|row| row.limit == limit).unwrap().clone()
}

#[test]
fn a_machine_as_it_comes_holds_ten_thousand() {
    let found = Assessment::new(ask(10_000), &machine(&[]));
    assert!(found.good, "{:?}", found.bad().collect::<Vec<_>>());
    assert_eq!((found.fits, found.stopped_by), (Some(515_328), Some("RLIMIT_NOFILE")));
    assert!(found.hit.is_empty());
}

#[test]
fn and_not_a_million() {
    let found = Assessment::new(ask(1_000_000), &machine(&[]));
    assert!(!found.good);
    let bad: Vec<_> = found.bad().map(|row| row.limit).collect();
    let expected = [
        "RLIMIT_NOFILE",
        "net.core.somaxconn",
        "net.core.netdev_max_backlog",
        "net.ipv4.tcp_mem",
        "net.ipv4.tcp_max_orphans",
        "net.ipv4.tcp_max_tw_buckets",
    ];
    assert_eq!(bad, expected);
    // The kernel's 5.1 KB each are in it.
    assert_eq!(row(&found, "available memory").needed, Some(5_740_000_000 + (72 << 20)));
}

#[test]
fn the_soft_limit_of_a_running_process_counts() {
    let question = Question { process: Some(7), ..ask(10_000) };
    let found = Assessment::new(question, &machine(&[]));
    let files = row(&found, "RLIMIT_NOFILE");
    assert_eq!((files.current, files.fits), (Some(1024), Some(620)));
    assert!(files.cure.starts_with("prlimit --pid 7 --nofile=11090; "), "{}", files.cure);
}

#[test]
fn nothing_is_opened_above_nr_open() {
    let found = Assessment::new(ask(10_000), &machine(&[("fs.nr_open", vec![4096])]));
    assert_eq!(row(&found, "fs.nr_open").verdict, Verdict::TooLow);
    assert_eq!(row(&found, "RLIMIT_NOFILE").fits, Some(3224));
}

#[test]
fn conntrack_counts_only_where_it_tracks() {
    let mut small = machine(&[("net.netfilter.nf_conntrack_max", vec![300])]);
    let found = Assessment::new(ask(1000), &small);
    assert!(found.good);
    small.counters.conntrack = 300;
    let found = Assessment::new(ask(1000), &small);
    assert_eq!(row(&found, "net.netfilter.nf_conntrack_max").verdict, Verdict::Hit);
    assert_eq!((found.fits, found.stopped_by), (Some(0), Some("net.netfilter.nf_conntrack_max")));
}

#[test]
fn what_the_host_tracks_is_not_known_in_a_container() {
    let mut container = machine(&[("net.netfilter.nf_conntrack_max", vec![300])]);
    container.in_first_network = false;
    let found = Assessment::new(ask(1000), &container);
    let table = row(&found, "net.netfilter.nf_conntrack_max");
    assert_eq!((table.verdict, table.fits), (Verdict::Unknown, None));
    assert!(table.note.unwrap().contains("cannot be seen from here"), "{table:?}");
    assert!(found.unknown().count() >= 1 && found.good);
    container.counters.conntrack = 300;
    let found = Assessment::new(ask(1000), &container);
    assert_eq!(row(&found, "net.netfilter.nf_conntrack_max").verdict, Verdict::Hit);
}

#[test]
fn a_wider_range_of_ports_leaves_out_those_of_servers() {
    let mut listening = machine(&[]);
    let listen = |address: &str| {
        let address = address.parse().unwrap();
        Listener { address, waiting: 0, backlog: 16, user: 0 }
    };
    listening.sockets.listeners = vec![listen("0.0.0.0:8100"), listen("127.0.0.1:22")];
    listening.reserved_ports = ReservedPorts::parse("5000");
    let question = Question { with_client: true, ..ask(100_000) };
    let ports = row(&Assessment::new(question, &listening), "net.ipv4.ip_local_port_range");
    let expected = vec![
        ("net.ipv4.ip_local_reserved_ports", "5000,8080-8082,8090,8100".to_owned()),
        ("net.ipv4.ip_local_port_range", "1024 65535".to_owned()),
    ];
    assert_eq!(ports.change, Some(Change::Sysctls(expected)));
    assert!(ports.cure.starts_with("sysctl -w net.ipv4.ip_local_reserved_ports=5000,8080-8082"));
}

#[test]
fn cures_are_only_for_what_is_not_fine() {
    for sessions in [1, 10_000, 1_000_000] {
        let found = Assessment::new(ask(sessions), &machine(&[]));
        for row in &found.limits {
            let is_wanted = row.verdict.is_bad() || row.verdict == Verdict::Advice;
            assert_eq!(!row.cure.is_empty(), is_wanted, "{row:?}");
            assert!(is_wanted || row.change.is_none(), "{row:?}");
        }
        let json = serde_json::to_value(&found).unwrap();
        for row in json["limits"].as_array().unwrap() {
            assert_eq!(row.get("cure").is_some(), row["verdict"] != "ok", "{row}");
        }
    }
}

#[test]
fn what_is_already_high_in_part_stays_so() {
    let uneven = machine(&[
        ("net.ipv4.tcp_mem", vec![900_000, 950_000, 960_000]),
        ("net.ipv4.tcp_rmem", vec![8192, 131_072, 6_291_456]),
    ]);
    let found = Assessment::new(ask(1_000_000), &uneven);
    let tcp_mem = row(&found, "net.ipv4.tcp_mem");
    assert!(tcp_mem.cure.contains("'net.ipv4.tcp_mem=900000 950000 1000000'"), "{tcp_mem:?}");
    let rmem = row(&found, "net.ipv4.tcp_rmem");
    assert!(rmem.cure.contains("=8192 131072 262144'"), "{rmem:?}");
    // Many files of others make it too low, however high it is.
    let full =
        machine(&[("fs.file-max", vec![9_000_000]), ("fs.file-nr", vec![8_999_000, 0, 9_000_000])]);
    let files = row(&Assessment::new(ask(2000), &full), "fs.file-max");
    assert_eq!(files.verdict, Verdict::TooLow);
    assert_eq!(files.cure, "sysctl -w fs.file-max=18000000");
}

#[test]
fn a_control_group_that_slows_down_is_named_as_one() {
    let mut contained = machine(&[]);
    let file = "/sys/fs/cgroup/memory.high".into();
    let (limit, used) = (GIB, GIB / 2);
    contained.cgroup =
        Some(MemoryUse { file, throttles: true, limit, used, charges_sockets: true });
    contained.soft_limit = Some(GIB / 4);
    let found = Assessment::new(ask(200_000), &contained);
    assert_eq!((found.fits, found.stopped_by), (Some(80_378), Some("memory cgroup")));
    let group = row(&found, "memory cgroup");
    assert!(group.symptom.contains("standstill") && group.cure.contains("MemoryHigh="));
    assert_eq!(row(&found, "memory cgroup, soft limit").verdict, Verdict::Ok);
}

#[test]
fn syncookies_make_the_syn_backlog_irrelevant() {
    let found = Assessment::new(ask(1_000_000), &machine(&[]));
    assert_eq!(row(&found, "net.ipv4.tcp_max_syn_backlog").verdict, Verdict::Ok);
    let without = machine(&[("net.ipv4.tcp_syncookies", vec![0])]);
    let found = Assessment::new(ask(1_000_000), &without);
    let queue = row(&found, "net.ipv4.tcp_max_syn_backlog");
    assert_eq!(queue.verdict, Verdict::TooLow);
    assert!(queue.cure.contains("tcp_syncookies=1"));
}

#[test]
fn the_smaller_of_backlog_and_somaxconn_is_named() {
    let mut overflowed = machine(&[]);
    overflowed.counters.listen_overflows = 9;
    let address = "127.0.0.1:80".parse().unwrap();
    let listen = |backlog, user| Listener { address, waiting: 0, backlog, user };
    // Another user's listener has nothing to do with it.
    overflowed.sockets.listeners = vec![listen(16, 0), listen(65_535, 1)];
    let question = Question { process: Some(7), ..ask(500) };
    let found = Assessment::new(question, &overflowed);
    assert_eq!(row(&found, "listen() backlog").verdict, Verdict::Hit);
    assert_eq!(row(&found, "net.core.somaxconn").hit, None);
    overflowed.sockets.listeners = vec![listen(4096, 0)];
    let found = Assessment::new(question, &overflowed);
    assert_eq!(row(&found, "listen() backlog").verdict, Verdict::Ok);
    // It has been hit, but is high enough now.
    assert_eq!(row(&found, "net.core.somaxconn").verdict, Verdict::Ok);
    assert_eq!(found.hit[0].evidence, "ListenOverflows 9");
}

#[test]
fn a_client_on_the_same_machine_needs_as_much_again() {
    let alone = Assessment::new(ask(1_000_000), &machine(&[]));
    let question = Question { with_client: true, ..ask(1_000_000) };
    let both = Assessment::new(question, &machine(&[]));
    for limit in [
        "fs.file-max",
        "fs.epoll.max_user_watches",
        "net.core.netdev_max_backlog",
        "net.ipv4.tcp_ehash_entries",
        "net.ipv4.tcp_max_orphans",
        "available memory",
    ] {
        assert!(row(&both, limit).needed > row(&alone, limit).needed, "{limit}");
    }
    assert_eq!(row(&both, "net.core.netdev_max_backlog").needed, Some(1_016_384));
    assert_eq!(row(&both, "net.ipv4.tcp_max_orphans").needed, Some(2_000_000));
    let ports = |found| row(found, "net.ipv4.ip_local_port_range");
    assert_eq!((ports(&alone).verdict, ports(&both).verdict), (Verdict::Ok, Verdict::TooLow));
    assert!(ports(&both).cure.contains("16 pairs"), "{}", ports(&both).cure);
    assert_eq!(ports(&both).fits, None);
}

#[test]
fn a_small_table_of_connections_is_worth_a_thought_and_stops_nobody() {
    let found = Assessment::new(ask(1_000_000), &machine(&[]));
    let table = row(&found, "net.ipv4.tcp_ehash_entries");
    assert_eq!((table.verdict, table.needed, table.fits), (Verdict::Advice, Some(524_288), None));
    let found = Assessment::new(ask(10_000), &machine(&[("net.ipv4.tcp_ehash_entries", vec![16])]));
    assert_eq!(row(&found, "net.ipv4.tcp_ehash_entries").verdict, Verdict::Ok);
}

#[test]
fn under_pressure_tcp_gets_what_the_kernel_would_choose() {
    let mut pressed = machine(&[("net.ipv4.tcp_mem", vec![150, 300, 450])]);
    assert_eq!(row(&Assessment::new(ask(100), &pressed), "net.ipv4.tcp_mem").verdict, Verdict::Ok);
    pressed.counters.tcp_pages = 300;
    let tcp_mem = row(&Assessment::new(ask(100), &pressed), "net.ipv4.tcp_mem");
    assert_eq!((tcp_mem.verdict, tcp_mem.needed), (Verdict::Hit, Some(589_824)));
    assert!(tcp_mem.cure.contains("'net.ipv4.tcp_mem=235929 353894 589824'"), "{}", tcp_mem.cure);
}

#[test]
fn a_control_group_stops_sessions_before_the_machine() {
    let mut contained = machine(&[]);
    let file = "/sys/fs/cgroup/memory.max".into();
    let (limit, used) = (GIB, GIB / 2);
    contained.cgroup =
        Some(MemoryUse { file, throttles: false, limit, used, charges_sockets: true });
    contained.counters.cgroup_oom_kills = 1;
    let found = Assessment::new(ask(200_000), &contained);
    assert_eq!((found.fits, found.stopped_by), (Some(80_378), Some("memory cgroup")));
    let group = row(&found, "memory cgroup");
    assert_eq!(group.verdict, Verdict::Hit);
    assert!(group.cure.contains("/sys/fs/cgroup/memory.max"), "{}", group.cure);
    let enough = Assessment::new(ask(80_378), &contained);
    assert_eq!(row(&enough, "memory cgroup").verdict, Verdict::Ok);
}

#[test]
fn sessions_over_tls_need_more_memory_and_nothing_else() {
    let plain = Assessment::new(ask(200_000), &machine(&[]));
    let sealed = Assessment::new(Question { over_tls: true, ..ask(200_000) }, &machine(&[]));
    let memory = "available memory";
    let more = |found| row(found, memory).needed.unwrap();
    assert_eq!(more(&sealed) - more(&plain), 200_000 * 5000);
    let too_many = Question { over_tls: true, ..ask(3_000_000) };
    let cure = row(&Assessment::new(too_many, &machine(&[])), memory).cure;
    assert!(cure.contains("10740 bytes a session over TLS, 5100 of them"), "{cure}");
    let others = |found: &Assessment| {
        let rows = found.limits.iter().filter(|row| row.limit != memory);
        rows.map(|row| (row.limit, row.needed)).collect::<Vec<_>>()
    };
    assert_eq!(others(&sealed), others(&plain));
    let mut contained = machine(&[]);
    let file: std::path::PathBuf = "/sys/fs/cgroup/memory.max".into();
    for (charges_sockets, over_tls, fits) in [
        (true, false, 80_378),
        (true, true, 42_958),
        (false, false, 201_473),
        (false, true, 63_288),
    ] {
        let (file, limit, used) = (file.clone(), GIB, GIB / 2);
        contained.cgroup = Some(MemoryUse { file, throttles: false, limit, used, charges_sockets });
        let found = Assessment::new(Question { over_tls, ..ask(10_000) }, &contained);
        assert_eq!(row(&found, "memory cgroup").fits, Some(fits), "{charges_sockets} {over_tls}");
    }
}

proptest! {
    /// Whatever is asked of whatever machine, nothing overflows, and what fits is what the rows
    /// with a number say.
    #[test]
    fn what_fits_is_good(
        sessions in any::<u32>().prop_map(u64::from),
        value in any::<u64>(),
        which in 0..21_usize,
        counted in any::<u64>(),
        with_client in any::<bool>(),
        over_tls in any::<bool>(),
        process in prop::option::of(1..10_u32),
    ) {
        let name = defaults()[which].0;
        let mut any_machine = machine(&[(name, vec![value; defaults()[which].1.len()])]);
        any_machine.counters.conntrack = counted;
        any_machine.counters.tcp_sockets = counted;
        any_machine.counters.tcp_pages = counted;
        let question = Question { sessions, process, with_client, over_tls };
        let found = Assessment::new(question, &any_machine);
        prop_assert_eq!(found.good, found.bad().count() == 0);
        let fits = found.limits.iter().filter_map(|row| row.fits).min();
        prop_assert_eq!(found.fits, fits);
        if fits.unwrap() < sessions {
            prop_assert!(!found.good);
        }
        // Whoever follows a cure has no less of anything that may be too low.
        for row in found.limits.iter().filter(|row| row.verdict != Verdict::TooHigh) {
            let Some(Change::Sysctls(settings)) = &row.change else { continue };
            let Some((_, value)) = settings.iter().find(|(name, _)| *name == row.limit) else {
                continue;
            };
            let before = any_machine.sysctls.all(row.limit).unwrap_or_default();
            let after: Vec<u64> = value.split(' ').map(|it| it.parse().unwrap()).collect();
            let is_range = row.limit == "net.ipv4.ip_local_port_range";
            let is_lowered = before.iter().zip(&after).any(|(old, new)| new < old);
            let is_advice = row.verdict == Verdict::Advice;
            prop_assert!(is_range || is_advice || !is_lowered, "{:?} {:?}", before, row);
        }
    }
}
