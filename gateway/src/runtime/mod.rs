//! What a thread sleeps on and what wakes it: sockets and mailboxes ([`reactor`]), deadlines
//! ([`wheel`], turned by a [`timer`]), in ticks of the [`clock`].

pub(crate) mod clock;
pub(crate) mod reactor;
pub(crate) mod timer;
pub(crate) mod wheel;
