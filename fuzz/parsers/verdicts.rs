//! What pusher-api says became of a batch, as the client library reads it.

use holdfast_client::fuzzing::Report;

/// Of a batch of so many lines a report that is taken says of each line once, in order, what became of it.
pub(crate) fn batch_report(data: &[u8]) {
    let Some((lines, text)) = data.split_first() else { return };
    let lines = usize::from(*lines);
    for is_whole in [false, true] {
        let Some(report) = Report::read(text, lines, is_whole) else { continue };
        let mut next = 0;
        for (places, _) in report.fates(lines) {
            assert_eq!(*places.start(), next);
            assert!(places.end() >= places.start());
            next = places.end() + 1;
        }
        assert_eq!(next, lines);
    }
}
