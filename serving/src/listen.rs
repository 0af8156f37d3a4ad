//! Sockets that wait for connections. A server may have one for each worker and address, so that the
//! kernel spreads connections over the workers (SO_REUSEPORT, socket(7)) and no worker hands them to
//! another.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use settings::{ConfigError, ListenRange};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It is not one that this process could ever listen on.
    #[error(transparent)]
    Setting(ConfigError),
    /// Something else listens there.
    #[error(
        "{flag}: cannot listen on {address}: another process listens there; stop it, or choose \
         another port with {flag} (0 is any free one)"
    )]
    Taken {
        /// The flag that names the address.
        flag: String,
        /// The address.
        address: SocketAddr,
    },
    /// The system has no room for it.
    #[error("{flag}: cannot listen on {address}: {error}")]
    System {
        /// The flag that names the address.
        flag: String,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

impl ListenError {
    fn new(flag: &str, address: SocketAddr, error: io::Error) -> Self {
        let setting = |problem, expected: &str| {
            let problem = format!("cannot listen on {address}: {problem}");
            Self::Setting(ConfigError::new(flag, problem, expected))
        };
        match error.kind() {
            io::ErrorKind::AddrNotAvailable => {
                let problem = "this machine does not have that address";
                setting(problem, "give one of its own, 127.0.0.1, or 0.0.0.0 for all of them")
            }
            io::ErrorKind::PermissionDenied => {
                let problem = "this user may not use that port";
                setting(problem, "give a port from 1024 on, or start with CAP_NET_BIND_SERVICE")
            }
            io::ErrorKind::AddrInUse => Self::Taken { flag: flag.to_owned(), address },
            _ => Self::System { flag: flag.to_owned(), address, error },
        }
    }

    /// The same, where another flag names the address.
    #[must_use]
    pub fn of_flag(self, flag: &str) -> Self {
        match self {
            Self::Setting(error) => Self::Setting(ConfigError { key: flag.to_owned(), ..error }),
            Self::Taken { address, .. } => Self::Taken { flag: flag.to_owned(), address },
            Self::System { address, error, .. } => {
                Self::System { flag: flag.to_owned(), address, error }
            }
        }
    }
}

/// How accepted connections behave; they inherit it from the listening socket.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections the kernel may hold for us to accept.
    pub backlog: u32,
    /// A silent connection is probed by the kernel this often, and given up after three probes.
    /// Not for those that are pinged: the kernel's timer would look at each of them as often again.
    pub keepalive: Option<Duration>,
    /// A peer that acknowledges nothing for this long is given up.
    pub user_timeout: Duration,
    /// Bytes that may wait in the kernel for a peer that does not read; the kernel doubles them
    /// (socket(7)). Without, it lets them grow into megabytes.
    pub send_buffer: Option<usize>,
    /// Bytes that may wait in the kernel to be read of each connection.
    pub receive_buffer: Option<usize>,
}

/// A socket with which another process has listened, and goes on to.
#[derive(Debug)]
pub struct Inherited {
    /// Where it listens.
    pub address: SocketAddr,
    /// The socket, as that process has set it up.
    pub socket: TcpListener,
}

/// The sockets of some addresses.
pub struct Listeners {
    /// The addresses, with the ports that were chosen for port 0.
    pub addresses: Vec<SocketAddr>,
    /// The sockets of each worker.
    pub per_worker: Vec<Vec<TcpListener>>,
}

impl Listeners {
    /// Listens on every address for every worker.
    ///
    /// # Errors
    /// An address is taken or not this machine's; `flag` is where it was given.
    pub fn bind(
        flag: &str,
        ranges: &[ListenRange],
        workers: usize,
        options: Options,
    ) -> Result<Self, ListenError> {
        Self::bind_or_inherit(flag, ranges, workers, options, Vec::new())
    }

    /// The same, with the sockets of another process where it has listened already. Those that are not wanted are
    /// closed here.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn bind_or_inherit(
        flag: &str,
        ranges: &[ListenRange],
        workers: usize,
        options: Options,
        mut inherited: Vec<Inherited>,
    ) -> Result<Self, ListenError> {
        let mut listeners =
            Self { addresses: Vec::new(), per_worker: (0..workers).map(|_| Vec::new()).collect() };
        for address in ranges.iter().flat_map(ListenRange::addresses) {
            let added = match take_those(&mut inherited, address) {
                sockets if sockets.is_empty() => listeners.add(address, options),
                sockets => listeners.inherit(sockets),
            };
            added.map_err(|error| ListenError::new(flag, address, error))?;
        }
        Ok(listeners)
    }

    /// Shares sockets of one address out over the workers. Each has its queue of connections, so none is left out;
    /// workers beyond them share one.
    fn inherit(&mut self, sockets: Vec<Inherited>) -> io::Result<()> {
        let (workers, count) = (self.per_worker.len(), sockets.len());
        for worker in count..workers {
            let shared = sockets[worker % count].socket.try_clone()?;
            self.per_worker[worker].push(shared);
        }
        self.addresses.extend(sockets.first().map(|first| first.address));
        for (place, inherited) in sockets.into_iter().enumerate() {
            self.per_worker[place % workers].push(inherited.socket);
        }
        Ok(())
    }

    fn add(&mut self, mut address: SocketAddr, options: Options) -> io::Result<()> {
        if address.port() != 0 {
            check_free(address)?;
        }
        let is_shared = self.per_worker.len() > 1;
        for sockets in &mut self.per_worker {
            let listener = listen(address, options, is_shared)?;
            // The system chooses for port 0 once, a port that nobody has; the first socket keeps
            // it for the others.
            address = listener.local_addr()?;
            sockets.push(listener);
        }
        self.addresses.push(address);
        Ok(())
    }
}

/// Takes out the sockets that listen at an address; where any port will do, at one of them.
fn take_those(inherited: &mut Vec<Inherited>, wanted: SocketAddr) -> Vec<Inherited> {
    let will_do = |it: &SocketAddr| *it == wanted || wanted.port() == 0 && it.ip() == wanted.ip();
    let found = inherited.iter().map(|it| it.address).find(will_do);
    let all = std::mem::take(inherited).into_iter();
    let (own, others) = all.partition(|it| Some(it.address) == found);
    *inherited = others;
    own
}

/// Finds out that no other process listens there: with SO_REUSEPORT alone a second gateway would
/// silently take half of the first one's connections.
fn check_free(address: SocketAddr) -> io::Result<()> {
    let probe = socket(address)?;
    probe.bind(&address.into())?;
    probe.listen(1)
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn listen(address: SocketAddr, options: Options, is_shared: bool) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(is_shared)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(period) = options.keepalive {
        let keepalive = TcpKeepalive::new().with_time(period).with_interval(period);
        socket.set_tcp_keepalive(&keepalive.with_retries(3))?;
    }
    socket.set_tcp_user_timeout(Some(options.user_timeout))?;
    if let Some(bytes) = options.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    // Before it listens, because the window is agreed on with the first packets (tcp(7)).
    if let Some(bytes) = options.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: Options = Options {
        backlog: 16,
        keepalive: None,
        user_timeout: Duration::from_secs(60),
        send_buffer: None,
        receive_buffer: None,
    };

    fn bind(address: &str) -> Result<Listeners, ListenError> {
        Listeners::bind("--listen", &[address.parse().unwrap()], 1, OPTIONS)
    }

    #[test]
    fn a_foreign_address_is_a_wrong_setting() {
        // TEST-NET-1 (RFC 5737) is nobody's.
        let Err(ListenError::Setting(error)) = bind("192.0.2.1:0") else { panic!("a setting") };
        assert_eq!(error.key, "--listen");
        assert!(error.problem.contains("192.0.2.1:0"), "{error}");
    }

    #[test]
    fn sockets_of_another_process_are_shared_out_and_none_is_left_out() {
        let inherited = |count| {
            let first = bind("127.0.0.1:0").unwrap();
            let address = first.addresses[0];
            let socket = &first.per_worker[0][0];
            let copies = (0..count).map(|_| socket.try_clone().unwrap());
            (address, copies.map(|socket| Inherited { address, socket }).collect::<Vec<_>>())
        };
        for (count, workers) in [(1, 1), (1, 3), (3, 1), (2, 3)] {
            let (address, sockets) = inherited(count);
            let ranges = [address.to_string().parse().unwrap()];
            let all = Listeners::bind_or_inherit("--listen", &ranges, workers, OPTIONS, sockets);
            let all = all.unwrap();
            assert_eq!(all.addresses, [address]);
            assert!(all.per_worker.iter().all(|own| !own.is_empty()), "{count} for {workers}");
            let sum: usize = all.per_worker.iter().map(Vec::len).sum();
            assert_eq!(sum, count.max(workers));
        }
        // Any port will do: that one.
        let (address, sockets) = inherited(1);
        let any = ["127.0.0.1:0".parse().unwrap()];
        let all = Listeners::bind_or_inherit("--listen", &any, 1, OPTIONS, sockets).unwrap();
        assert_eq!(all.addresses, [address]);
        // What is not wanted is closed.
        let (address, sockets) = inherited(1);
        drop(Listeners::bind_or_inherit("--listen", &[], 1, OPTIONS, sockets).unwrap());
        bind(&address.to_string()).unwrap();
    }

    #[test]
    fn a_port_in_use_names_a_way_out() {
        let first = bind("127.0.0.1:0").unwrap();
        let error = bind(&first.addresses[0].to_string()).map(drop).unwrap_err();
        let error = error.of_flag("--listen-backends").to_string();
        assert!(error.contains(&first.addresses[0].to_string()), "{error}");
        assert!(error.contains("another port with --listen-backends"), "{error}");
    }
}
