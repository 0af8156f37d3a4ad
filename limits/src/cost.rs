//! What a session costs, and what is kept back.

/// The kernel's memory for one TCP socket in an epoll set, in no process's RSS: half of what the
/// slabs of Linux 6.18 grew by with both ends of a million sessions (`docs/million.md`), rounded up.
/// Linux 6.1 took 3,940.
pub const KERNEL_BYTES: u64 = 5_100;

/// The gateway's memory for one idle session: 520 bytes in `docs/million.md`, with room for those
/// that have something waiting.
pub const GATEWAY_BYTES: u64 = 640;
/// What it takes beside that for one over TLS: 4,600 bytes in `docs/figures.md`, with some room.
pub const TLS_BYTES: u64 = 5_000;

/// The load client's memory for one idle session: what `stress` is allowed.
pub const CLIENT_BYTES: u64 = 300;
/// What it takes beside that for one over TLS: 5,290 bytes with 6,000 of them, with some room.
pub const CLIENT_TLS_BYTES: u64 = 5_500;

/// The gateway's memory for handshakes under way: a thousand of them. In a ramp of 512 at once
/// 5.5 KB each were given back afterwards.
pub const HANDSHAKES_BYTES: u64 = 8 << 20;

/// Open files of a machine that are not sessions.
pub const OTHER_FILES: u64 = 65_536;

/// A page of the kernel's, the unit of tcp_mem.
pub const PAGE: u64 = 4_096;

/// Connections that should fit into the accept queue: what arrives while a worker is held up for
/// some 100 ms in a ramp that takes ten seconds.
pub fn accept_queue(sessions: u64) -> u64 {
    const LEAST: u64 = 128;
    const MOST: u64 = 16_384;
    (sessions / 64).next_power_of_two().clamp(LEAST, MOST)
}

/// Bytes of memory a session costs the gateway's process.
pub fn gateway_bytes(over_tls: bool) -> u64 {
    GATEWAY_BYTES + if over_tls { TLS_BYTES } else { 0 }
}

/// Bytes of memory a session costs the machine, with the client's end where it shares it.
pub fn bytes_per_session(with_client: bool, over_tls: bool) -> u64 {
    let of_client = CLIENT_BYTES + if over_tls { CLIENT_TLS_BYTES } else { 0 };
    let client = if with_client { KERNEL_BYTES + of_client } else { 0 };
    KERNEL_BYTES + gateway_bytes(over_tls) + client
}

/// Of [`KERNEL_BYTES`], what a control group of version 1 is charged for: the TCP socket itself is
/// allocated in an interrupt and charged to nobody. Measured as 1,253 bytes for each of 4,000
/// accepted sockets, and epoll's 392.
pub const CGROUP_V1_KERNEL_BYTES: u64 = 1_650;
