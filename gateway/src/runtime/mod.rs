//! What a thread sleeps on and what wakes it: sockets and mailboxes ([`reactor`]), deadlines
//! ([`wheel`], turned by a [`timer`]), in ticks of the [`clock`]. What it cannot do without is
//! [`vital`]. How long a push took since its [`acceptance`] is told by a [`steady`] clock.

pub(crate) mod acceptance;
pub(crate) mod clock;
pub(crate) mod reactor;
pub(crate) mod steady;
pub(crate) mod timer;
pub(crate) mod vital;
pub(crate) mod wheel;
