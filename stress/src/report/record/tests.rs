//! Records as files: what is split adds up to the whole, and what is wrong is named.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    measurements::{distribution::Distribution, point::Point, proofs::Verdict},
    report::{files::write_line, findings::Report},
    session::{failure::Failure, stamp::Stamp},
    settings::phase::Phase,
};

/// Something that happens in a run.
#[derive(Debug, Clone)]
enum Happening {
    Held(u64),
    Back(u64),
    Asked(u64),
    Returned(u64),
    Failed(u16),
    Lost(u16),
    Message { due: u64, took: u64, phase: u8, broadcast: bool },
    Probe(u64),
    Silence,
}

fn happening() -> impl Strategy<Value = Happening> {
    let message = (0..5_u64, 0..9_000_000_u64, 0..6_u8, any::<bool>());
    prop_oneof![
        (0..90_000_000_u64).prop_map(Happening::Held),
        (0..90_000_000_u64).prop_map(Happening::Back),
        (0..90_000_000_u64).prop_map(Happening::Asked),
        (0..90_000_000_u64).prop_map(Happening::Returned),
        (400..600_u16).prop_map(Happening::Failed),
        (1000..1015_u16).prop_map(Happening::Lost),
        message.prop_map(|(due, took, phase, broadcast)| Happening::Message {
            due,
            took,
            phase,
            broadcast
        }),
        (0..2_000_000_u64).prop_map(Happening::Probe),
        Just(Happening::Silence),
    ]
}

impl Record {
    fn happen(&mut self, happening: &Happening) {
        let tally = &mut self.tally;
        match *happening {
            Happening::Held(took) => tally.arrivals.on_held(7, 7 + took),
            Happening::Back(took) => tally.returns.on_held(7, 7 + took),
            Happening::Asked(at) => {
                let after = Duration::from_millis(at % 5000);
                tally.recalls.on_asked(if at % 2 == 0 { "draining" } else { "else" }, after, at);
            }
            Happening::Returned(took) => tally.recalls.returned.on_held(7, 7 + took),
            Happening::Failed(status) => tally.failures.add(Failure::Status(status), 1),
            Happening::Lost(code) => tally.losses.add(Failure::Close(code), 1),
            Happening::Message { due, took, phase, broadcast } => {
                let phase = Phase::from_number(phase);
                let stamp = Stamp { due, phase, is_broadcast: broadcast, proof: None };
                tally.on_message(Some(stamp), Verdict::Proved, due + took);
            }
            Happening::Probe(took) => {
                let probed = self.probes.entry("connect".into()).or_default();
                probed.sent += 1;
                probed.answered.record(took);
            }
            Happening::Silence => {
                let probed = self.probes.entry("http".into()).or_default();
                probed.sent += 1;
                *probed.lost.entry("timeout".into()).or_default() += 1;
            }
        }
    }

    /// As it stands in a report, with everything around it.
    fn as_report(&self) -> Vec<u8> {
        serde_json::to_vec(&crate::report::findings::Report::new(self)).expect("serializes")
    }
}

proptest! {
    // Each case reads and writes many histograms.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_add_up_to_the_whole(
        happenings in proptest::collection::vec((happening(), 0..3_usize), 0..200),
    ) {
        let mut whole = Record::new("idle", 30, 3);
        let mut parts = vec![Record::new("idle", 10, 1); 3];
        for (happening, part) in &happenings {
            whole.happen(happening);
            parts[*part].happen(happening);
        }
        let mut read = parts.iter().map(|part| Record::from_report(&part.as_report()).expect("whole"));
        let mut merged = read.next().expect("three parts");
        read.for_each(|part| merged.merge(part));
        prop_assert_eq!(merged, whole);
        let log: Vec<_> = parts.iter().flat_map(as_lines).collect();
        prop_assert_eq!(Record::all_in(&log), Ok(parts));
    }

    #[test]
    fn any_damage_is_survived(at in 0..4000_usize, byte in any::<u8>()) {
        for mut text in [full().as_report(), as_lines(&full())] {
            let at = at % text.len();
            text[at] = byte;
            for mut record in Record::all_in(&text).into_iter().flatten() {
                record.merge(full());
                let report = Report::new(&record);
                let _ = (report.to_string(), report.is_success());
            }
        }
    }
}

/// What a run with `--json -` leaves in a log, with what others say around it.
fn as_lines(record: &Record) -> Vec<u8> {
    let mut log = b"stress begins\n{\"level\":\"INFO\"}\n".to_vec();
    write_line(&Report::new(record), &mut log).expect("memory takes it");
    log
}

/// A record with something everywhere.
fn full() -> Record {
    let mut record = Record::new("storm", 5, 2);
    let message = Happening::Message { due: 5, took: 1000, phase: 2, broadcast: true };
    let asked = [Happening::Asked(1_000_000), Happening::Returned(3)];
    let others = [Happening::Held(900), Happening::Probe(4), Happening::Silence, message];
    for happening in others.into_iter().chain(asked) {
        record.happen(&happening);
    }
    let errno = nix::errno::Errno::EMFILE as i32;
    record.tally.failures.add(Failure::Socket(client::State::Connecting, errno), 4);
    record.pushes = Some(Pushed { expected: Some(3), arrived: 2, ..Pushed::default() });
    record.storms.push(Storm { drop: 2, gone_seconds: Some(0.5), ..Storm::default() });
    let mut line = Timeline::new("m".into(), vec!["g".into()], 1000);
    (0..5).for_each(|step| line.push(Point { at: step * 1000, open: 5, ..Point::default() }));
    record.timelines.push(line);
    record
}

#[test]
fn different_runs_are_both_named() {
    let mut record = full();
    record.merge(Record::new("idle", 1, 1));
    record.merge(Record::new("idle", 1, 1));
    assert_eq!((record.scenario.as_str(), record.asked), ("storm + idle", 7));
}

#[test]
fn reports_of_before_are_read_and_said_to_be_unproved() {
    let mut report: serde_json::Value =
        serde_json::from_slice(&full().as_report()).expect("a report");
    report["record"]["form"] = 1.into();
    for (object, key) in [("", "allowed"), ("", "rate"), ("/tally", "proofs"), ("/pushes", "due")] {
        let object = report.pointer_mut(&format!("/record{object}")).expect(object);
        assert!(object.as_object_mut().expect("an object").remove(key).is_some(), "{key}");
    }
    let mut old = Record::from_report(report.to_string().as_bytes()).expect("an older report");
    assert!(!old.is_proved());
    old.merge(full());
    assert!(!old.is_proved());
    assert!(!Record::from_report(&old.as_report()).expect("a merged one").is_proved());
    let text = crate::report::findings::Report::new(&old).to_string();
    assert!(text.contains("counted only"), "{text}");
}

#[test]
fn wrong_reports_name_their_field() {
    let good = String::from_utf8(full().as_report()).expect("text");
    let histogram = serde_json::to_string(&Distribution::default()).expect("serializes");
    let cases = [
        ("{}".to_owned(), "missing field `record`"),
        ("[1".to_owned(), "invalid"),
        (good.replace("\"form\":2", "\"form\":9"), "record.form: 9"),
        (good.replace("\"kept_to_end\":0", "\"kept_to_end\":-1"), "record.tally.kept_to_end"),
        (good.replace(&histogram, "\"AAAA\""), "record.tally.returns.connect"),
        (good.replace("\"slab_bytes\":0", "\"slab_bytes\":\"x\""), "record.timelines[0].points[0]"),
        (good.clone() + "x", "trailing"),
    ];
    for (text, expected) in cases {
        let error = Record::from_report(text.as_bytes()).expect_err(expected);
        assert!(error.contains(expected), "{error} should name {expected}");
    }
    assert!(Record::from_file(Path::new("/nonexistent")).is_err());
    let log = format!("hello\n{}}}\n", String::from_utf8_lossy(LINE));
    let error = Record::all_in(log.as_bytes()).expect_err("a line with half a report");
    assert!(error.starts_with("line 2: "), "{error}");
}

#[test]
fn the_seeds_of_fuzzing_are_reports() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/stress_report");
    let seeds: Vec<_> = fs::read_dir(folder).expect("seeds").map(|it| it.expect("one")).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        Record::from_file(&seed.path()).unwrap_or_else(|why| panic!("{:?}: {why}", seed.path()));
    }
}
