//! Bytes from servers, as a client reads them.

use client::{Effect, Rules, Session};
use protocol::Transport;

use super::pieces;

/// What the sessions have in common.
fn rules() -> Rules {
    Rules { needs_hello: true, echo_once: false, posts_pongs: true, accept: "proof".into() }
}

/// What a session makes of the bytes. Masks differ each time, so of replies only the length counts.
fn heard<'a>(transport: Transport, chunks: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let (mut session, mut seen) = (Session::new(transport), Vec::new());
    let mut effects = |effect: Effect<'_>| {
        seen.push(match effect {
            Effect::Reply(bytes) => format!("reply of {}", bytes.len()),
            other => format!("{other:?}"),
        });
    };
    session.on_connected(&rules(), &mut effects);
    chunks.for_each(|chunk| session.on_bytes(chunk, &rules(), &mut effects));
    seen
}

/// A session ends once at most, and what it hears does not depend on how the bytes were cut.
pub(crate) fn server_bytes(data: &[u8]) {
    let Some((length, bytes)) = data.split_first() else { return };
    for transport in Transport::ALL {
        let whole = heard(transport, [bytes].into_iter());
        assert_eq!(heard(transport, pieces(bytes, *length)), whole);
        let ends = whole.iter().filter(|effect| effect.starts_with("Ended")).count();
        assert!(ends <= 1, "{whole:?}");
        assert!(ends == 0 || whole.last().is_some_and(|last| last.starts_with("Ended")));
    }
}
