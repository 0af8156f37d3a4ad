//! How much room there is for connections, as far as descriptors and memory tell.

use limits::{Headroom, descriptors};

/// A connection and what waits in the kernel for it, in bytes.
const CONNECTION_BYTES: u64 = 32 << 10;
/// More connections than this need a flag.
const MOST_CONNECTIONS: u64 = 16_384;
const LEAST_IN_MEMORY: u64 = 64;
const MOST_BYTES: u64 = 256 << 20;
const LEAST_BYTES: u64 = 8 << 20;

/// What this process may use, as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Descriptors it may open.
    pub descriptors: u64,
    /// Memory in the control group or on the machine, whichever is tighter.
    pub memory: u64,
}

impl Room {
    /// That of this process.
    pub fn of_this_process() -> Self {
        let memory = Headroom::of_this_process().look().map_or(u64::MAX, |left| left.limit);
        Self { descriptors: descriptors::soft_limit(), memory }
    }

    /// Connections that fit: half of the descriptors, an eighth of the memory.
    pub fn connections(&self) -> usize {
        let in_memory = (self.memory / 8 / CONNECTION_BYTES).max(LEAST_IN_MEMORY);
        (self.descriptors / 2).min(in_memory).clamp(1, MOST_CONNECTIONS) as usize
    }

    /// Bytes that requests may hold: an eighth of the memory.
    pub fn request_bytes(&self) -> usize {
        (self.memory / 8).clamp(LEAST_BYTES, MOST_BYTES) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_follows_what_is_tightest() {
        let room = |descriptors, memory| {
            let room = Room { descriptors, memory: memory << 20 };
            (room.connections(), room.request_bytes() >> 20)
        };
        assert_eq!(room(20_000, 24 << 10), (10_000, 256));
        assert_eq!(room(1_024, 24 << 10), (512, 256));
        assert_eq!(room(20_000, 96), (384, 12));
        assert_eq!(room(20_000, 1), (64, 8));
        assert_eq!(room(100, 24 << 10), (50, 256));
        assert_eq!(room(u64::MAX, u64::MAX >> 20), (16_384, 256));
    }

    #[test]
    fn this_process_has_some() {
        let room = Room::of_this_process();
        assert!(room.descriptors > 0 && room.memory > 1 << 20);
    }
}
