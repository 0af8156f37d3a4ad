//! A way to a server that is cut again and again.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Passes connections on until they are cut.
pub(crate) struct Cutter {
    /// Where it takes connections.
    pub address: SocketAddr,
    ways: Arc<Mutex<Vec<[TcpStream; 2]>>>,
    over: Arc<AtomicBool>,
    shut: Arc<AtomicBool>,
}

/// A way that nobody passes while this lives.
pub(crate) struct Shut<'a>(&'a Cutter);

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        self.0.shut.store(false, Ordering::SeqCst);
    }
}

impl Cutter {
    /// A way to this server.
    pub(crate) fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ways = Arc::<Mutex<Vec<[TcpStream; 2]>>>::default();
        let (over, shut) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (open, ended, refusing) = (Arc::clone(&ways), Arc::clone(&over), Arc::clone(&shut));
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                // Under the lock: nothing begins behind a cut that shuts the way.
                let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                if refusing.load(Ordering::SeqCst) {
                    continue;
                }
                // A server that is away refuses; so does the way to it.
                let Ok(far) = TcpStream::connect(server) else { continue };
                pass_on(&near, &far);
                let way = [near, far];
                open.push(way);
            }
        });
        Self { address, ways, over, shut }
    }

    /// Cuts every connection, and lets none through while what is returned lives.
    pub(crate) fn shut(&self) -> Shut<'_> {
        self.shut.store(true, Ordering::SeqCst);
        self.cut();
        Shut(self)
    }

    /// Cuts every connection, at both ends.
    pub(crate) fn cut(&self) {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        for end in ways.drain(..).flatten() {
            // The other end may have closed it.
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.cut();
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

/// Copies both ways; each thread ends with its direction.
fn pass_on(near: &TcpStream, far: &TcpStream) {
    let clone = |end: &TcpStream| end.try_clone().unwrap();
    for (mut from, mut to) in [(clone(near), clone(far)), (clone(far), clone(near))] {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}
