//! Where a gateway is reached: sockets that listen, its own or those of the process whose place it takes.

use std::{net::TcpListener, sync::Arc, time::Duration};

use ::settings::ListenRange;
use certificates::{Kept, ServerSource};
use serving::listen::{Inherited, ListenError, Listeners, Options};

use crate::{
    handover::records::ListenerRecord, seats::Port, settings::Settings, takeover::predecessor,
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

    /// Where clients come in at each worker. In front of TLS no proxy says whose a connection is.
    pub(crate) fn doors(
        &mut self,
        settings: &Settings,
        workers: usize,
        shown: Option<&Arc<Kept<ServerSource>>>,
    ) -> Vec<Vec<Door>> {
        let proxied = |ranges: &[ListenRange]| -> Vec<bool> {
            let addresses = ranges.iter().flat_map(ListenRange::addresses);
            addresses.map(|address| settings.proxies.is_proxied(address)).collect()
        };
        let (http, tcp) = (proxied(&settings.listen), proxied(&settings.listen_tcp));
        let ways = [
            (Port::Http, None, http, &mut self.clients),
            (Port::Tcp, None, tcp, &mut self.tcp),
            (Port::Http, shown, Vec::new(), &mut self.tls_clients),
            (Port::Tcp, shown, Vec::new(), &mut self.tls_tcp),
        ];
        let mut doors: Vec<Vec<Door>> = (0..workers).map(|_| Vec::new()).collect();
        for (port, certificates, proxied, listeners) in ways {
            for (doors, listeners) in doors.iter_mut().zip(listeners.per_worker.drain(..)) {
                let proxied = proxied.iter().copied().chain(std::iter::repeat(false));
                doors.extend(listeners.into_iter().zip(proxied).map(|(listener, is_proxied)| {
                    Door { port, is_proxied, certificates: certificates.cloned(), listener }
                }));
            }
        }
        doors
    }
}
