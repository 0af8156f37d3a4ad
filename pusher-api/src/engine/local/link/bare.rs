//! Batches for a gateway of version 1, whose pushes stand there without length and flags.
//!
//! Pushes wait in one layout, whatever the gateway speaks: it may be of another build when it comes
//! back. Only what is written to an old one is put into its layout, each time it is written.

use bytes::{Bytes, BytesMut};
use protocol::link::{EntryLayout, PushEntries, TargetRef};

use super::outbox::{Batch, Segment};

/// The same pushes under the same number.
pub(super) fn bare(batch: &Batch) -> Batch {
    let segments = batch.segments.iter().map(|segment| {
        let Segment { ref bytes, pushes, perhaps, fan_outs, since } = *segment;
        Segment { bytes: bare_entries(bytes), pushes, perhaps, fan_outs, since }
    });
    let segments = segments.collect::<Vec<_>>();
    let length = segments.iter().map(|segment| segment.bytes.len()).sum();
    Batch { seq: batch.seq, length, segments: segments.into() }
}

fn bare_entries(framed: &[u8]) -> Bytes {
    let mut bare = BytesMut::with_capacity(framed.len());
    for entry in PushEntries::new(framed, EntryLayout::Framed) {
        let entry = entry.expect("the entries were encoded in this process");
        // Such a build knows nothing of messages that are kept.
        let is_kept = matches!(entry.target, TargetRef::KeptUsers(_) | TargetRef::KeptTopic(..));
        if !is_kept {
            entry.encode(EntryLayout::Bare, &mut bare);
        }
    }
    bare.freeze()
}

#[cfg(test)]
mod tests {
    use protocol::{
        MessageId,
        kept::{Place, Step},
        link::PushEntry,
    };
    use uuid::Uuid;

    use super::*;
    use crate::engine::local::link::fan_out::FanOuts;

    fn entry(target: TargetRef<'static>, number: u128) -> PushEntry<'static> {
        let id = MessageId(Uuid::from_u128(number));
        PushEntry {
            id,
            accepted_micros: 7,
            receipt: number == 2,
            target,
            frame: b"{}",
            collapse_key: None,
        }
    }

    fn segment(entries: &[PushEntry<'_>]) -> Segment {
        let mut bytes = BytesMut::new();
        entries.iter().for_each(|entry| entry.encode(EntryLayout::Framed, &mut bytes));
        let (pushes, fan_outs) = (entries.len() as u64, FanOuts::default());
        let since = std::time::Instant::now();
        Segment { bytes: bytes.freeze(), pushes, perhaps: 0, fan_outs, since }
    }

    #[test]
    fn every_push_is_there_in_its_order_but_those_that_are_kept() {
        let entries = [
            entry(TargetRef::User("ada"), 1),
            entry(TargetRef::Users(vec!["ada", "grace"]), 2),
            entry(TargetRef::All, 3),
        ];
        let step = Step { before: Place::START, place: Place { number: 1, check: 2 } };
        let kept = entry(TargetRef::KeptUsers(vec![("ada", step)]), 4);
        let segments =
            vec![segment(&[entries[0].clone(), kept, entries[1].clone()]), segment(&entries[2..])];
        let length = segments.iter().map(|segment| segment.bytes.len()).sum();
        let batch = bare(&Batch { seq: 4, length, segments: segments.into() });
        let body = batch.segments.iter().flat_map(|segment| segment.bytes.to_vec());
        let body = body.collect::<Vec<_>>();
        let read: Result<Vec<_>, _> = PushEntries::new(&body, EntryLayout::Bare).collect();
        assert_eq!(read.expect("entries"), entries);
        assert_eq!((batch.seq, batch.length), (4, body.len()));
    }
}
