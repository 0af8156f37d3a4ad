//! The floor: the least a server can do that holds WebSockets and writes to them.
//!
//! One thread, one epoll, one descriptor per session and nothing else. No tokens, no limits, no
//! close frames: what a real server is slower than this is what its features cost. With
//! `--ping-interval` it pings, evenly spread and also while it writes other things, because a million
//! sessions that are pinged take a good part of a small machine by that alone; nobody is given up. It
//! is told what to write on its control port, a line per command:
//!
//! - `random N SIZE`: N text frames of SIZE bytes, each to a session picked at random
//! - `all SIZE NUMBER DUE`: one text frame of SIZE bytes to every session, which says that it was due
//!   at DUE microseconds since the epoch: the same for several floors, so that clients know them as one
//! - `count`: how many sessions there are
//! - `quit`
//!
//! Each is answered with one line when it is done. Several floors run side by side when one
//! process may not have enough descriptors.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::{AsFd, OwnedFd},
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Parser;
use memchr::memmem;
use rustix::{
    buffer::spare_capacity,
    event::{PollFd, PollFlags, Timespec, epoll, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, accept_with, bind, listen,
        recv, send, socket_with, sockopt,
    },
};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const BACKLOG: i32 = 65_535;
const LISTENER: u64 = u64::MAX;
const CONTROL: u64 = u64::MAX - 1;
/// How often pings are sent that are due.
const TICK: Duration = Duration::from_millis(50);
/// Frames written before it is looked whether pings are due.
const SLICE: usize = 64;
/// An empty ping (RFC 6455 section 5.5.2).
const PING: &[u8] = &[0x89, 0];

/// The yardstick server.
#[derive(Parser)]
struct Flags {
    /// Where clients connect
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Where commands are taken, a line each
    #[arg(long, default_value = "127.0.0.1:9100")]
    control: SocketAddr,
    /// Seconds between two pings to a session; 0 for none
    #[arg(long, default_value_t = 0)]
    ping_interval: u32,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    match rlimit::increase_nofile_limit(u64::MAX).and_then(|_| Floor::start(&flags)?.serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Floor {
    epoll: OwnedFd,
    listener: OwnedFd,
    control: TcpListener,
    commander: Option<BufReader<TcpStream>>,
    /// By the number that epoll knows them by.
    sessions: Vec<Option<OwnedFd>>,
    free: Vec<usize>,
    /// The numbers of the sessions whose handshake is done, and each one's place among them.
    held: Vec<u32>,
    places: Vec<u32>,
    scratch: Box<[u8]>,
    pings: Pings,
}

/// Who is pinged next, and since when no pings have been due.
struct Pings {
    interval: u32,
    next: usize,
    settled: Instant,
}

/// The peer has sent its last byte, or is gone.
const ENDED: epoll::EventFlags =
    epoll::EventFlags::RDHUP.union(epoll::EventFlags::HUP).union(epoll::EventFlags::ERR);

const NOT_HELD: u32 = u32::MAX;

impl Floor {
    fn start(flags: &Flags) -> io::Result<Self> {
        let family = match flags.listen {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let listener = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK, None)?;
        sockopt::set_socket_reuseaddr(&listener, true)?;
        bind(&listener, &flags.listen)?;
        listen(&listener, BACKLOG)?;
        let control = TcpListener::bind(flags.control)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let listens = epoll::EventFlags::IN;
        epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), listens)?;
        epoll::add(&epoll, &control, epoll::EventData::new_u64(CONTROL), listens)?;
        Ok(Self {
            epoll,
            listener,
            control,
            commander: None,
            sessions: Vec::new(),
            free: Vec::new(),
            held: Vec::new(),
            places: Vec::new(),
            scratch: vec![0; 64 * 1024].into(),
            pings: Pings { interval: flags.ping_interval, next: 0, settled: Instant::now() },
        })
    }

    fn serve(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(1024);
        let tick = Timespec::try_from(TICK).map_err(io::Error::other)?;
        let tick = (self.pings.interval > 0).then_some(&tick);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), tick) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.ping();
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    CONTROL if self.commander.is_none() => {
                        let (stream, _) = self.control.accept()?;
                        let reads = epoll::EventFlags::IN;
                        let data = epoll::EventData::new_u64(CONTROL);
                        epoll::add(&self.epoll, &stream, data, reads)?;
                        epoll::modify(
                            &self.epoll,
                            &self.control,
                            data,
                            epoll::EventFlags::empty(),
                        )?;
                        self.commander = Some(BufReader::new(stream));
                    }
                    CONTROL => loop {
                        if !self.obey()? {
                            return Ok(());
                        }
                        // Lines that came together are announced once.
                        if self.commander.as_ref().is_none_or(|it| it.buffer().is_empty()) {
                            break;
                        }
                    },
                    session => {
                        let flags = event.flags;
                        self.read(session as usize, flags.intersects(ENDED));
                    }
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match accept_with(&self.listener, SocketFlags::NONBLOCK) {
                Ok(socket) => socket,
                // Out of descriptors: some are free when those who have left have been read.
                Err(Errno::AGAIN | Errno::MFILE) => return Ok(()),
                Err(Errno::INTR | Errno::CONNABORTED) => continue,
                Err(error) => return Err(error.into()),
            };
            let number = self.free.pop().unwrap_or_else(|| {
                self.sessions.push(None);
                self.places.push(NOT_HELD);
                self.sessions.len() - 1
            });
            let reads = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
            epoll::add(&self.epoll, &socket, epoll::EventData::new_u64(number as u64), reads)?;
            self.sessions[number] = Some(socket);
        }
    }

    /// Answers the handshake; throws away whatever comes after it. A short read proves that there
    /// is no more, unless the end has come, too, which is told only once.
    fn read(&mut self, number: usize, ended: bool) {
        loop {
            let Some(socket) = &self.sessions[number] else { return };
            let length = match recv(socket, &mut self.scratch[..], RecvFlags::empty()) {
                Ok((length, _)) if length > 0 => length,
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => continue,
                _ => return self.forget(number),
            };
            if self.places[number] == NOT_HELD {
                // A request is a few hundred bytes and comes in one piece on loopback.
                let Some(answer) = upgrade(&self.scratch[..length]) else {
                    return self.forget(number);
                };
                if send(socket, answer.as_bytes(), SendFlags::NOSIGNAL).is_err() {
                    return self.forget(number);
                }
                self.places[number] = self.held.len() as u32;
                self.held.push(number as u32);
            }
            if length < self.scratch.len() && !ended {
                return;
            }
        }
    }

    fn forget(&mut self, number: usize) {
        self.sessions[number] = None;
        self.free.push(number);
        let place = std::mem::replace(&mut self.places[number], NOT_HELD);
        if place != NOT_HELD {
            self.held.swap_remove(place as usize);
            if let Some(moved) = self.held.get(place as usize) {
                self.places[*moved as usize] = place;
            }
        }
    }

    /// Carries out a command of the control port; false for `quit`.
    fn obey(&mut self) -> io::Result<bool> {
        let Some(commander) = &mut self.commander else { return Ok(true) };
        let mut line = String::new();
        if commander.read_line(&mut line)? == 0 {
            self.commander = None;
            let data = epoll::EventData::new_u64(CONTROL);
            epoll::modify(&self.epoll, &self.control, data, epoll::EventFlags::IN)?;
            return Ok(true);
        }
        let started = Instant::now();
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |index: usize| words.get(index).and_then(|word| word.parse::<usize>().ok());
        let done = match (words.first().copied(), number(1), number(2), number(3)) {
            (Some("random"), Some(count), Some(size), _) => self.write_random(count, size),
            (Some("all"), Some(size), Some(number), Some(due)) => self.write_all(size, number, due),
            (Some("count"), ..) => self.held.len(),
            (Some("quit"), ..) => return Ok(false),
            _ => 0,
        };
        if let Some(commander) = &mut self.commander {
            let seconds = started.elapsed().as_secs_f64();
            writeln!(commander.get_mut(), "done {done} {seconds:.6}")?;
        }
        Ok(true)
    }

    fn write_random(&mut self, count: usize, size: usize) -> usize {
        let mut random = fastrand::Rng::with_seed(42);
        let mut frame = Vec::new();
        if self.held.is_empty() {
            return 0;
        }
        let mut written = 0;
        for number in 0..count {
            let session = self.held[random.usize(..self.held.len())];
            fill(&mut frame, size, RANDOM, number, micros());
            written += usize::from(self.write(session, &frame));
            self.ping_now_and_then(number);
        }
        written
    }

    fn write_all(&mut self, size: usize, number: usize, due: usize) -> usize {
        let mut frame = Vec::new();
        fill(&mut frame, size, ALL, number, due);
        let mut written = 0;
        for place in 0..self.held.len() {
            written += usize::from(self.write(self.held[place], &frame));
            self.ping_now_and_then(place);
        }
        written
    }

    fn ping_now_and_then(&mut self, written: usize) {
        if written.is_multiple_of(SLICE) {
            self.ping();
        }
    }

    /// Pings as many sessions as the time since the last pings is worth.
    fn ping(&mut self) {
        let passed = self.pings.settled.elapsed();
        if self.pings.interval == 0 || passed < TICK {
            return;
        }
        let share = passed.as_secs_f64() / f64::from(self.pings.interval);
        let due = (self.held.len() as f64 * share) as usize;
        if due == 0 && !self.held.is_empty() {
            return;
        }
        self.pings.settled += passed;
        for _ in 0..due {
            self.pings.next = (self.pings.next + 1) % self.held.len();
            self.write(self.held[self.pings.next], PING);
        }
    }

    /// Writes all of it, waiting for room if need be.
    fn write(&self, session: u32, frame: &[u8]) -> bool {
        let Some(socket) = &self.sessions[session as usize] else { return false };
        let mut rest = frame;
        while !rest.is_empty() {
            match send(socket, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => rest = &rest[sent..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut room = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::OUT)];
                    let _ = poll(&mut room, None);
                }
                Err(_) => return false,
            }
        }
        true
    }
}

/// The 101 for a request, if it is an upgrade.
fn upgrade(request: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"Sec-WebSocket-Key: ";
    request.ends_with(b"\r\n\r\n").then_some(())?;
    let key = &request[memmem::find(request, NAME)? + NAME.len()..];
    let mut hash = sha1_smol::Sha1::new();
    hash.update(&key[..memchr::memchr(b'\r', key)?]);
    hash.update(GUID);
    let accept = STANDARD.encode(hash.digest().bytes());
    Some(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ))
}

/// How the load client knows its phases `batch` and `all`, and what is for everybody.
const RANDOM: (u8, char) = (5, 'n');
const ALL: (u8, char) = (8, 'b');

/// Now, in microseconds since the epoch.
fn micros() -> usize {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as usize
}

/// A text frame of so many bytes that says when it was due.
fn fill(frame: &mut Vec<u8>, size: usize, stamp: (u8, char), number: usize, due: usize) {
    let (phase, kind) = stamp;
    let head = format!(r#"{{"type":"push","data":{{"t":{due},"f":{phase},"{kind}":{number},"p":""#);
    let size = size.max(head.len() + 3);
    frame.clear();
    frame.push(0x81);
    match size {
        0..126 => frame.push(size as u8),
        126..65_536 => {
            frame.push(126);
            frame.extend((size as u16).to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((size as u64).to_be_bytes());
        }
    }
    let end = frame.len() + size;
    frame.extend_from_slice(head.as_bytes());
    frame.resize(end - 3, b'x');
    frame.extend_from_slice(br#""}}"#);
}
