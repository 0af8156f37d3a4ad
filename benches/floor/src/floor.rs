//! The loop: one thread, one epoll.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    time::Instant,
};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    io::Errno,
    net::{
        AddressFamily, SocketFlags, SocketType, accept_with, bind, listen, socket_with, sockopt,
    },
};

use crate::{
    Flags,
    command::Command,
    pings::{Pings, TICK},
    sessions::Sessions,
};

const BACKLOG: i32 = 65_535;
const LISTENER: u64 = u64::MAX;
const CONTROL: u64 = u64::MAX - 1;
/// The peer has sent its last byte, or is gone.
const ENDED: epoll::EventFlags =
    epoll::EventFlags::RDHUP.union(epoll::EventFlags::HUP).union(epoll::EventFlags::ERR);

/// A floor that listens.
pub(crate) struct Floor {
    epoll: OwnedFd,
    listener: OwnedFd,
    control: TcpListener,
    commander: Option<BufReader<TcpStream>>,
    sessions: Sessions,
    pings: Pings,
}

impl Floor {
    /// Listens, for clients and for whoever tells it what to do.
    pub(crate) fn start(flags: &Flags) -> io::Result<Self> {
        let listener = listener(&flags.listen)?;
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
            sessions: Sessions::new(),
            pings: Pings::new(flags.ping_interval),
        })
    }

    /// Serves until it is told to quit.
    pub(crate) fn serve(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(1024);
        let tick = Timespec::try_from(TICK).map_err(io::Error::other)?;
        let tick = self.pings.are_wanted().then_some(&tick);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), tick) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.pings.send(&self.sessions);
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    CONTROL if self.commander.is_none() => self.accept_commander()?,
                    CONTROL => {
                        if !self.obey_all()? {
                            return Ok(());
                        }
                    }
                    session => {
                        let flags = event.flags;
                        self.sessions.read(session as usize, flags.intersects(ENDED));
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
            let number = self.sessions.number();
            let reads = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
            epoll::add(&self.epoll, &socket, epoll::EventData::new_u64(number as u64), reads)?;
            self.sessions.put(number, socket);
        }
    }

    /// Listens to one commander at a time.
    fn accept_commander(&mut self) -> io::Result<()> {
        let (stream, _) = self.control.accept()?;
        let data = epoll::EventData::new_u64(CONTROL);
        epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?;
        epoll::modify(&self.epoll, &self.control, data, epoll::EventFlags::empty())?;
        self.commander = Some(BufReader::new(stream));
        Ok(())
    }

    /// Carries out the lines that have come, which are announced once; false for `quit`.
    fn obey_all(&mut self) -> io::Result<bool> {
        while self.obey()? {
            if self.commander.as_ref().is_none_or(|it| it.buffer().is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Carries out one line; false for `quit`.
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
        let command = Command::parse(&line);
        if command == Some(Command::Quit) {
            return Ok(false);
        }
        let done = command.map_or(0, |it| it.carry_out(&self.sessions, &mut self.pings));
        let seconds = started.elapsed().as_secs_f64();
        writeln!(commander.get_mut(), "done {done} {seconds:.6}")?;
        Ok(true)
    }
}

/// A socket that clients connect to.
fn listener(address: &SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let listener = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK, None)?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    bind(&listener, address)?;
    listen(&listener, BACKLOG)?;
    Ok(listener)
}
