//! How much memory is left before the kernel starts to kill.

use crate::{cgroup::MemoryCgroup, machine::Memory};

/// Kept free if nothing else is said.
pub const RESERVE: u64 = 64 << 20;

/// What is kept free of a limit: never more than a quarter of it.
pub fn reserve_of(reserve: u64, limit: u64) -> u64 {
    reserve.min(limit / 4)
}

/// Where memory is tightest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Bytes left.
    pub bytes: u64,
    /// Bytes that there are in all.
    pub limit: u64,
    /// Whether a control group sets that limit; otherwise it is the machine.
    pub is_cgroup: bool,
}

impl Left {
    /// Whether less is left than should be kept free.
    pub fn is_short(&self, reserve: u64) -> bool {
        self.bytes < reserve_of(reserve, self.limit)
    }

    /// Whether so much is left again that it does not turn short at the next session: a quarter
    /// more than the reserve.
    pub fn is_plenty(&self, reserve: u64) -> bool {
        let reserve = reserve_of(reserve, self.limit);
        self.bytes >= reserve + reserve / 4
    }
}

/// Watches the memory of this process's control group and of the machine.
#[derive(Debug)]
pub struct Headroom(Option<MemoryCgroup>);

impl Headroom {
    /// Finds the control group.
    pub fn of_this_process() -> Self {
        Self(MemoryCgroup::find(None))
    }

    /// How much memory there is in all: what the control group may have, or the machine has.
    pub fn limit(&self) -> Option<u64> {
        let group = self.0.as_ref().and_then(MemoryCgroup::tightest).map(|group| group.limit);
        let machine = Memory::read().ok().map(|machine| machine.total);
        group.into_iter().chain(machine).min()
    }

    /// Looks where memory is tightest now; nothing if nobody says. A few small files are read.
    pub fn look(&self) -> Option<Left> {
        let group = self.0.as_ref().and_then(MemoryCgroup::tightest);
        let group = group.map(|it| Left { bytes: it.left(), limit: it.limit, is_cgroup: true });
        let machine = Memory::read().ok();
        let machine =
            machine.map(|it| Left { bytes: it.available, limit: it.total, is_cgroup: false });
        group.into_iter().chain(machine).min_by_key(|left| left.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_plenty_are_apart() {
        let left = |bytes| Left { bytes, limit: 1000, is_cgroup: true };
        for (bytes, short, plenty) in [(99, true, false), (100, false, false), (125, false, true)] {
            assert_eq!((left(bytes).is_short(100), left(bytes).is_plenty(100)), (short, plenty));
        }
        // A reserve as large as the limit would let nobody in at all.
        assert!(!left(250).is_short(1000));
        assert!(!left(0).is_short(0));
    }

    #[test]
    fn this_machine_has_some_left() {
        let headroom = Headroom::of_this_process();
        let left = headroom.look().unwrap();
        assert!(left.bytes > 0 && left.bytes <= left.limit);
        assert!(headroom.limit().unwrap() <= left.limit);
    }
}
