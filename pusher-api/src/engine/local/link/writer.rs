//! Writes to a gateway what has gathered while the write before was under way.

use std::{
    io::{self, IoSlice},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use protocol::link::{EntryLayout, HEARTBEAT, Terms, batch_header};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{bare::bare, failure::Failure, handle::Link, outgoing::Writable};

/// How often a gateway is told at the most for whom pushes were given up: one that is slow would
/// only have more to do.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Writes until the connection ends, in these terms.
pub(super) async fn run(mut stream: impl AsyncWrite + Unpin, link: &Link, terms: Terms) -> Failure {
    let mut told: Option<Instant> = None;
    loop {
        let may_tell = told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        let missed = if terms.takes_given_up() && may_tell { link.take_missed() } else { None };
        told = if missed.is_some() { Some(Instant::now()) } else { told };
        missed.iter().for_each(|missed| link.tell(missed));
        match link.take_writable() {
            Some(mut writable) => {
                if terms.entries() == EntryLayout::Bare {
                    writable.batch = writable.batch.as_ref().map(bare);
                }
                if let Err(error) = write(&mut stream, &writable).await {
                    // Told at the next connection; being told twice is better than never.
                    missed.into_iter().for_each(|missed| link.add_missed(missed));
                    return error.into();
                }
            }
            None => {
                if tokio::time::timeout(HEARTBEAT, link.work.notified()).await.is_err() {
                    link.heartbeat();
                }
            }
        }
    }
}

/// Writes the small frames and the batch, whose segments stay where they are.
async fn write(stream: &mut (impl AsyncWrite + Unpin), writable: &Writable) -> io::Result<()> {
    let Writable { control, batch } = writable;
    let control: &BytesMut = control;
    let Some(batch) = batch else {
        stream.write_all(control).await?;
        return stream.flush().await;
    };
    let header = batch_header(batch.seq, batch.length);
    let mut parts = Vec::with_capacity(2 + batch.segments.len());
    parts.extend([IoSlice::new(control), IoSlice::new(&header)]);
    parts.extend(batch.segments.iter().map(|segment| IoSlice::new(&segment.bytes)));
    let mut rest = parts.as_mut_slice();
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match stream.write_vectored(rest).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut rest, written),
        }
    }
    // Inside TLS, what was taken in is not on its way before.
    stream.flush().await
}
