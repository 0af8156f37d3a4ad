//! What a thread sleeps on and what wakes it: sockets and mailboxes ([`reactor`]), deadlines
//! ([`wheel`], turned by a [`timer`]), in ticks of the [`clock`]. What it cannot do without is
//! [`vital`].

pub(crate) mod clock;
pub(crate) mod reactor;
pub(crate) mod timer;
pub(crate) mod vital;
pub(crate) mod wheel;
