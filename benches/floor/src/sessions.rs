//! Who is connected, by the number that epoll knows them by: a descriptor each and nothing else.

use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};

use crate::upgrade::upgrade;

const NOT_HELD: u32 = u32::MAX;

/// All connections.
pub(crate) struct Sessions {
    sockets: Vec<Option<OwnedFd>>,
    free: Vec<usize>,
    /// The numbers of the sessions whose handshake is done, and each one's place among them.
    held: Vec<u32>,
    places: Vec<u32>,
    scratch: Box<[u8]>,
}

impl Sessions {
    /// Nobody yet.
    pub(crate) fn new() -> Self {
        Self {
            sockets: Vec::new(),
            free: Vec::new(),
            held: Vec::new(),
            places: Vec::new(),
            scratch: vec![0; 64 * 1024].into(),
        }
    }

    /// The numbers of those whose handshake is done.
    pub(crate) fn held(&self) -> &[u32] {
        &self.held
    }

    /// A number for whoever comes next, to be given to [`Sessions::put`].
    pub(crate) fn number(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.sockets.push(None);
            self.places.push(NOT_HELD);
            self.sockets.len() - 1
        })
    }

    /// Somebody is here under this number.
    pub(crate) fn put(&mut self, number: usize, socket: OwnedFd) {
        self.sockets[number] = Some(socket);
    }

    /// Answers the handshake; throws away whatever comes after it. A short read proves that there
    /// is no more, unless the end has come, too, which is told only once.
    pub(crate) fn read(&mut self, number: usize, ended: bool) {
        loop {
            let Some(socket) = &self.sockets[number] else { return };
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
        self.sockets[number] = None;
        self.free.push(number);
        let place = std::mem::replace(&mut self.places[number], NOT_HELD);
        if place != NOT_HELD {
            self.held.swap_remove(place as usize);
            if let Some(moved) = self.held.get(place as usize) {
                self.places[*moved as usize] = place;
            }
        }
    }

    /// Writes all of it, waiting for room if need be.
    pub(crate) fn write(&self, session: u32, frame: &[u8]) -> bool {
        let Some(socket) = &self.sockets[session as usize] else { return false };
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
