//! A proxy that stays connected although its client has gone.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

/// Passes everything on, but for the end of its clients: it goes on reading what comes for them.
pub(super) struct Mute {
    /// Where it takes connections.
    pub address: SocketAddr,
}

impl Mute {
    /// One in front of this server. Each of its threads ends with the server's connection.
    pub(super) fn before(server: SocketAddr, clients: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for near in listener.incoming().take(clients).map_while(Result::ok) {
                let far = TcpStream::connect(server).unwrap();
                let (from, mut to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                thread::spawn(move || io::copy(&mut &from, &mut to));
                thread::spawn(move || pass_down(far, near));
            }
        });
        Self { address }
    }
}

fn pass_down(mut far: TcpStream, mut near: TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = far.read(&mut bytes) {
        // Nobody may be there any more.
        let _ = near.write_all(&bytes[..count]);
    }
}
