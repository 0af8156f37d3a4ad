//! Where a gateway is reached: sockets that listen, its own or those of the process whose place it takes.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use ::settings::ListenRange;
use certificates::{Kept, ServerSource};
use serving::listen::{Inherited, ListenError, Listeners, Options};

use crate::{
    handover::records::ListenerRecord,
    seats::Port,
    settings::{ProxySettings, Settings},
    takeover::predecessor,
    worker::Door,
};

/// Bytes of answers that may wait in the kernel for an operator who does not read; links get more.
const OPERATORS_SEND_BUFFER: usize = 16 * 1024;

/// The flags that name where.
const CLIENTS: &str = "--listen";
const TCP: &str = "--listen-tcp";
const TLS_CLIENTS: &str = "--tls-listen";
const TLS_TCP: &str = "--tls-listen-tcp";
const OPERATORS: &str = "--listen-operators";

/// Where a gateway is reached.
pub(crate) struct Ports {
    pub(crate) clients: Listeners,
    pub(crate) tcp: Listeners,
    pub(crate) tls_clients: Listeners,
    pub(crate) tls_tcp: Listeners,
    pub(crate) operators: Listeners,
}

impl Ports {
    /// Listens, with what is inherited of each flag's addresses before anything of its own.
    ///
    /// # Errors
    /// An address is taken, or cannot be listened on.
    pub(crate) fn bind(
        settings: &Settings,
        workers: usize,
        mut inherited: impl FnMut(&str) -> Vec<Inherited>,
    ) -> Result<Self, ListenError> {
        let options = Options {
            backlog: settings.backlog,
            keepalive: None,
            // Later than the session's own deadlines, so that these give the reason.
            user_timeout: settings.write_timeout.max(settings.ping_interval) * 2,
            send_buffer: Some(settings.send_buffer),
            receive_buffer: Some(settings.receive_buffer),
        };
        let watched = settings.ping_interval.max(Duration::from_secs(1));
        let by_kernel = Options { keepalive: Some(watched), ..options };
        let operators =
            Options { send_buffer: Some(OPERATORS_SEND_BUFFER), receive_buffer: None, ..by_kernel };
        let mut bind = |flag, ranges: &[ListenRange], workers, options| {
            Listeners::bind_or_inherit(flag, ranges, workers, options, inherited(flag))
        };
        Ok(Self {
            clients: bind(CLIENTS, &settings.listen, workers, options)?,
            tcp: bind(TCP, &settings.listen_tcp, workers, options)?,
            tls_clients: bind(TLS_CLIENTS, &settings.tls_listen, workers, options)?,
            tls_tcp: bind(TLS_TCP, &settings.tls_listen_tcp, workers, options)?,
            operators: bind(OPERATORS, &settings.listen_operators, 1, operators)?,
        })
    }

    /// Copies of all of them, for a successor.
    ///
    /// # Errors
    /// There are no descriptors for that.
    pub(crate) fn copies(&self) -> std::io::Result<Vec<(ListenerRecord, TcpListener)>> {
        let all = [
            (CLIENTS, &self.clients),
            (TCP, &self.tcp),
            (TLS_CLIENTS, &self.tls_clients),
            (TLS_TCP, &self.tls_tcp),
            (OPERATORS, &self.operators),
        ];
        let copies =
            all.map(|(flag, it)| predecessor::copies(flag, it.per_worker.iter().flatten()));
        Ok(copies.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Where clients come in at each worker.
    pub(crate) fn doors(
        &mut self,
        settings: &Settings,
        workers: usize,
        shown: Option<&Arc<Kept<ServerSource>>>,
    ) -> Vec<Vec<Door>> {
        let ways = [
            (Port::Http, None, &settings.listen, &mut self.clients),
            (Port::Tcp, None, &settings.listen_tcp, &mut self.tcp),
            (Port::Http, shown, &settings.tls_listen, &mut self.tls_clients),
            (Port::Tcp, shown, &settings.tls_listen_tcp, &mut self.tls_tcp),
        ];
        let mut doors: Vec<Vec<Door>> = (0..workers).map(|_| Vec::new()).collect();
        for (port, certificates, ranges, listeners) in ways {
            let proxied = proxied(&settings.proxies, ranges, listeners);
            for (doors, listeners) in doors.iter_mut().zip(listeners.per_worker.drain(..)) {
                doors.extend(listeners.into_iter().map(|listener| {
                    let address = listener.local_addr().expect("it listens");
                    let is_proxied = proxied.contains(&address);
                    Door { port, is_proxied, certificates: certificates.cloned(), listener }
                }));
            }
        }
        doors
    }
}

/// Where proxies connect to. Not by the order of the sockets: of one address a worker may have several, which it
/// has inherited, or none.
fn proxied(
    settings: &ProxySettings,
    ranges: &[ListenRange],
    listeners: &Listeners,
) -> Vec<SocketAddr> {
    let set = ranges.iter().flat_map(ListenRange::addresses);
    let both = set.zip(listeners.addresses.iter().copied());
    both.filter(|(set, _)| settings.is_proxied(*set)).map(|(_, bound)| bound).collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::settings::tests::settings;

    fn inherited(address: SocketAddr, count: usize) -> Vec<Inherited> {
        let first = TcpListener::bind(address).expect("a free port");
        let address = first.local_addr().expect("it listens");
        let copy = |_| Inherited { address, socket: first.try_clone().expect("a descriptor") };
        (0..count).map(copy).collect()
    }

    #[test]
    fn sockets_of_more_workers_keep_what_they_are_for() {
        let named = ["--trusted-proxy=::1", "--proxy-protocol=127.0.0.2:0,127.0.0.4:0"];
        let listen = ["--listen=127.0.0.1:0,127.0.0.2:0", "--listen-tcp=127.0.0.3:0"];
        let tls = ["--tls-listen=127.0.0.4:0", "--tls-listen-tcp=127.0.0.5:0"];
        let settings = settings(&[named, listen, tls].concat());
        let there = |flag: &str| {
            let addresses: &[_] = if flag == CLIENTS { &[1, 2] } else { &[] };
            addresses.iter().flat_map(|it| inherited(([127, 0, 0, *it], 0).into(), 3)).collect()
        };
        let mut ports = Ports::bind(&settings, 2, there).expect("free ports");
        let doors = ports.doors(&settings, 2, None);
        let at = |wanted: [u8; 4]| -> Vec<bool> {
            let all = doors.iter().flatten();
            let own = all.filter(|it| {
                it.listener.local_addr().expect("it listens").ip() == IpAddr::from(wanted)
            });
            own.map(|it| it.is_proxied).collect()
        };
        assert_eq!(at([127, 0, 0, 1]), [false; 3]);
        assert_eq!(at([127, 0, 0, 2]), [true; 3]);
        assert_eq!(at([127, 0, 0, 3]), [false; 2]);
        assert_eq!(at([127, 0, 0, 4]), [true; 2]);
        assert_eq!(at([127, 0, 0, 5]), [false; 2]);
    }
}
