//! Whether links stand still: nothing of what comes down them is taken, because another process is about to take the
//! sessions that it is for. What was not taken is not confirmed, and so is sent again, to whichever of the two has
//! them then.

use tokio::sync::watch;

/// How links stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// They are served.
    #[default]
    Served,
    /// Nothing more is taken from them; what goes up is written.
    Held,
    /// They end, and nobody is let in: another process has taken over.
    Over,
}

/// The phase. It is changed on the thread of the links, so that whoever sees none between two steps of theirs knows
/// that none follows.
#[derive(Debug, Default)]
pub(crate) struct Standstill(watch::Sender<Phase>);

impl Standstill {
    /// Begins or ends it; to be called on the thread of the links.
    pub(crate) fn set(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    /// Waits until links are not held; over, they end instead.
    pub(crate) async fn released(&self) {
        self.until(|phase| *phase == Phase::Served).await;
    }

    /// Waits until links are held.
    pub(crate) async fn held(&self) {
        self.until(|phase| *phase >= Phase::Held).await;
    }

    /// Waits until another process has taken over.
    pub(crate) async fn over(&self) {
        self.until(|phase| *phase == Phase::Over).await;
    }

    async fn until(&self, is_so: impl FnMut(&Phase) -> bool) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(is_so).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn links_stand_still_and_go_on_or_end() {
        let standstill = Standstill::default();
        let held = || standstill.held().now_or_never().is_some();
        let released = || standstill.released().now_or_never().is_some();
        let over = || standstill.over().now_or_never().is_some();
        assert_eq!((released(), held(), over()), (true, false, false));
        standstill.set(Phase::Held);
        assert_eq!((released(), held(), over()), (false, true, false));
        standstill.set(Phase::Served);
        assert_eq!((released(), held(), over()), (true, false, false));
        standstill.set(Phase::Over);
        assert_eq!((released(), held(), over()), (false, true, true));
    }
}
