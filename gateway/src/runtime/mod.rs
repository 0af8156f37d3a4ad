//! What a thread sleeps on and what wakes it: sockets and mailboxes ([`reactor`]), deadlines
//! ([`wheel`], turned by a [`timer`]), in ticks of the [`clock`].

pub mod clock;
pub mod reactor;
pub mod timer;
pub mod wheel;
