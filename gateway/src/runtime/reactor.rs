//! What wakes the sessions of a worker: their sockets, through an epoll of our own, and messages
//! that came into their mailboxes, through [`Calls`].
//!
//! tokio's readiness state is 256 bytes a socket and a task cell as many again; a million idle
//! sessions can do without both (docs/decisions/session-construction.md). The epoll descriptor
//! itself stands in tokio's, so that the thread sleeps in one place: it is readable while it has
//! events (epoll(7), Q3).

use std::{
    io,
    net::TcpStream,
    os::fd::{AsRawFd, BorrowedFd, OwnedFd},
    rc::Rc,
    sync::Arc,
    task::{Wake, Waker},
};

use parking_lot::Mutex;
use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
    io::Errno,
};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::Notify,
};

/// Events taken from the kernel at a time: what comes meanwhile, for example a push, waits for as many.
const EVENTS: usize = 128;

/// Seats of sessions that have a message, or something of their own to do.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    seats: Mutex<Vec<u32>>,
    called: Notify,
}

impl Calls {
    /// Calls a seat.
    pub(crate) fn call(&self, seat: u32) {
        let mut seats = self.seats.lock();
        seats.push(seat);
        let first = seats.len() == 1;
        drop(seats);
        if first {
            self.called.notify_one();
        }
    }

    /// Moves the calls to `seats`, which must be empty.
    pub(crate) fn take(&self, seats: &mut Vec<u32>) {
        std::mem::swap(&mut *self.seats.lock(), seats);
    }

    /// What the mailbox of the session in a seat wakes.
    pub(crate) fn waker(self: &Arc<Self>, seat: u32) -> Waker {
        Waker::from(Arc::new(Caller { calls: Arc::clone(self), seat }))
    }
}

struct Caller {
    calls: Arc<Calls>,
    seat: u32,
}

impl Wake for Caller {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.calls.call(self.seat);
    }
}

/// Has tokio wait until a descriptor can be read.
///
/// # Errors
/// The kernel has no room for it.
pub(crate) fn readable<T: AsRawFd>(descriptor: T) -> io::Result<AsyncFd<T>> {
    #[expect(deprecated, reason = "sound for a descriptor it owns; its successor is unsafe")]
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

/// What a socket is ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready {
    /// There is something to read, or the end.
    pub readable: bool,
    /// The peer has sent its last byte.
    pub ended: bool,
    /// It takes bytes again.
    pub writable: bool,
}

/// Where sockets are entered.
#[derive(Clone)]
pub(crate) struct Sockets(Rc<OwnedFd>);

impl Sockets {
    /// Has a socket waited for, for the session in a seat. It leaves by being closed.
    ///
    /// # Errors
    /// The kernel has no room for it: ENOSPC where fs.epoll.max_user_watches is reached, or ENOMEM.
    pub(crate) fn watch(&self, socket: &TcpStream, seat: u32) -> Result<(), Errno> {
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&*self.0, socket, EventData::new_u64(seat.into()), interest)
    }

    /// Has a socket not waited for any more that another process has, too: its being closed here says nothing.
    pub(crate) fn forget(&self, socket: BorrowedFd<'_>) {
        // An error means that it is not waited for.
        let _ = epoll::delete(&*self.0, socket);
    }
}

/// The sockets of a worker's sessions, waited for.
pub(crate) struct Reactor {
    epoll: AsyncFd<Rc<OwnedFd>>,
    events: Vec<Event>,
}

impl Reactor {
    /// A reactor of this thread's runtime.
    ///
    /// # Errors
    /// The process is out of descriptors.
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = readable(Rc::new(epoll::create(CreateFlags::CLOEXEC)?))?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS) })
    }

    /// Where sockets are entered.
    pub(crate) fn sockets(&self) -> Sockets {
        Sockets(Rc::clone(self.epoll.get_ref()))
    }

    /// Waits until a socket is ready or a session was called; true if it was a socket.
    pub(crate) async fn wait(&mut self, calls: &Calls) -> bool {
        tokio::select! {
            () = calls.called.notified() => false,
            // Cleared before the events are fetched, so that none goes unnoticed between.
            ready = self.epoll.readable() => {
                if let Ok(mut ready) = ready {
                    ready.clear_ready();
                }
                true
            }
        }
    }

    /// Adds the sockets that are ready now, each with its seat; true if there may be more.
    pub(crate) fn fetch(&mut self, ready: &mut Vec<(u32, Ready)>) -> bool {
        let now = Timespec::default();
        // EINTR, the one error possible, leaves the events for the next time.
        let fetched =
            epoll::wait(self.epoll.get_ref(), spare_capacity(&mut self.events), Some(&now));
        ready.extend(self.events.drain(..).map(|event| {
            let (seat, flags) = (event.data, event.flags);
            let ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
            let readable = ended || flags.contains(EventFlags::IN);
            let writable = flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR);
            (seat.u64() as u32, Ready { readable, ended, writable })
        }));
        fetched.is_ok_and(|count| count == EVENTS) || fetched.is_err()
    }
}
