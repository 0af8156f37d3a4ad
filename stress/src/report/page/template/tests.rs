//! The page as a whole.

use std::time::Duration;

use limits::KernelMemory;

use super::*;
use crate::{
    measurements::{point::Point, probed::Probed, timeline::Timeline},
    report::record::Record,
    session::failure::Failure,
};

fn record() -> Record {
    let mut record = Record::new("probe", 10, 1);
    for step in 1..200 {
        record.tally.arrivals.on_held(step, step * 3000);
    }
    record.tally.failures.add(Failure::Protocol("<b>bold</b>".into()), 3);
    let mut probed = Probed { sent: 200, ..Probed::default() };
    (1..200).for_each(|step| probed.answered.record(step * 100));
    record.probes.insert("connect".into(), probed);
    let mut line = Timeline::new("m".into(), Vec::new(), 1);
    let kernel = KernelMemory { slab_bytes: 1 << 30, socket_bytes: 0 };
    for at in 0..50 {
        line.push(Point { at: at * 1_000_000, open: at, kernel, ..Point::default() });
    }
    record.timelines.push(line);
    record
}

#[test]
fn the_page_is_whole_and_has_no_scripts() {
    let record = record();
    let page = page(&Report::new(&record));
    for part in ["Sessions", "Memory", "Time to open", "Probe latency", "Failures by cause"] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<svg").count(), 4);
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn sessions_that_come_back_have_a_plot_and_tables() {
    let mut record = record();
    for second in 0..30 {
        record.tally.recalls.on_asked("draining", Duration::from_secs(1), second * 1_000_000);
        record.tally.recalls.returned.on_held(1, (second + 1) * 1_000_000);
    }
    record.tally.recalls.on_asked("<s>", Duration::from_secs(1), 30_000_000);
    let report = Report::new(&record);
    let (page, text) = (page(&report), report.to_string());
    for part in ["a second</", "Sessions asked to come back", "on their way in the end"] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<svg").count(), 5);
    assert!(text.contains("30 returned, 1 on their way, 0 could not"), "{text}");
    assert!(text.contains("1 least, 1 median, 1 most, 1.0 if even, off by 0 %"), "{text}");
}

#[test]
fn foreign_text_stays_text() {
    let mut record = record();
    record.scenario = "<i>idle</i>".into();
    record.probes.insert("\"<u>&".into(), record.probes["connect"].clone());
    let page = page(&Report::new(&record));
    assert!(["<b>", "<i>i", "<u>", "\"<u>&"].iter().all(|raw| !page.contains(raw)), "{page}");
    for escaped in ["&#60;b&#62;bold", "&#60;i&#62;idle", "&#34;&#60;u&#62;&#38;"] {
        assert!(page.contains(escaped), "{escaped}");
    }
}

#[test]
fn an_empty_record_makes_a_page() {
    let page = page(&Report::new(&Record::new("idle", 1, 1)));
    assert!(page.contains("failed") && !page.contains("<svg"));
    assert!(!page.contains("Failures by cause") && !page.contains("Latencies"), "{page}");
}
