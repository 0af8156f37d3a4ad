//! From configured names to links: looked up again and again, because a name's addresses change.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use actix::{Addr, Supervisor};
use certificates::{rustls::pki_types::ServerName, server_name};
use settings::Endpoint;

use super::{gateway_link::GatewayLink, handle::Link, services::Services};

/// How often names are looked up.
const LOOK_UP_EVERY: Duration = Duration::from_secs(5);

/// Keeps one link for each address the endpoints stand for. An address that vanishes keeps its
/// link as long as the gateway answers, and is tried again for some time after an interruption: a
/// gateway that is full or being drained leaves the name and still holds sessions.
pub(crate) async fn run(endpoints: Vec<Endpoint>, services: Arc<Services>) {
    let mut names: Vec<_> = endpoints.into_iter().map(Name::new).collect();
    let mut links = HashMap::new();
    loop {
        futures::future::join_all(names.iter_mut().map(Name::look_up)).await;
        let wanted = names.iter().flat_map(Name::places).collect();
        reconcile(&wanted, &mut links, &services);
        services.gateways.set_looked_up();
        tokio::time::sleep(LOOK_UP_EVERY).await;
    }
}

/// The address keeps the supervisor restarting the actor.
type Links = HashMap<SocketAddr, (Arc<Link>, Addr<GatewayLink>)>;

/// Where gateways are, and what the certificates of those have to be for that are reached inside TLS.
type Places = BTreeMap<SocketAddr, Option<ServerName<'static>>>;

fn reconcile(wanted: &Places, links: &mut Links, services: &Arc<Services>) {
    links.retain(|address, (link, _)| {
        link.want(wanted.contains_key(address));
        let ended = services.gateways.all().iter().all(|known| known.index != link.index);
        !ended
    });
    for (address, name) in wanted {
        links.entry(*address).or_insert_with(|| {
            let link = services.gateways.add(*address, services.bounds);
            let actor = GatewayLink::new(Arc::clone(&link), name.clone(), Arc::clone(services));
            (link, Supervisor::start(|_| actor))
        });
    }
}

struct Name {
    endpoint: Endpoint,
    addresses: BTreeSet<SocketAddr>,
    failing: bool,
}

impl Name {
    fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, addresses: BTreeSet::new(), failing: false }
    }

    /// Where its gateways are.
    fn places(&self) -> impl Iterator<Item = (SocketAddr, Option<ServerName<'static>>)> + '_ {
        let name = (self.endpoint.scheme == "https").then_some(self.endpoint.host.as_str());
        // Settings are checked: it is one.
        let name = name.and_then(|host| server_name("--gateway", host).ok());
        self.addresses.iter().map(move |address| (*address, name.clone()))
    }

    /// Looks the name up; what was known stays where that fails.
    async fn look_up(&mut self) {
        match addresses_of(&self.endpoint).await {
            Ok(addresses) => {
                self.addresses = addresses;
                self.failing = false;
            }
            Err(error) if !self.failing => {
                tracing::warn!(gateway = %self.endpoint, %error, "name cannot be looked up");
                self.failing = true;
            }
            Err(error) => tracing::debug!(gateway = %self.endpoint, %error, "still not found"),
        }
    }
}

async fn addresses_of(endpoint: &Endpoint) -> io::Result<BTreeSet<SocketAddr>> {
    let found = tokio::net::lookup_host((endpoint.host.as_str(), *endpoint.ports.start())).await?;
    let ips: BTreeSet<_> = found.map(|address| address.ip()).collect();
    let ports = endpoint.ports.clone();
    Ok(ips.iter().flat_map(|ip| ports.clone().map(|port| (*ip, port).into())).collect())
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use protocol::link::{Offer, Up};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::{receipts::Receipts, settings::Settings};

    #[actix_rt::test]
    async fn a_port_range_stands_for_several_gateways() {
        let endpoint = "http://127.0.0.1:9000-9002".parse().unwrap();
        let found: Vec<_> = addresses_of(&endpoint).await.unwrap().into_iter().collect();
        let expected = ["127.0.0.1:9000", "127.0.0.1:9001", "127.0.0.1:9002"];
        assert_eq!(found, expected.map(|text| text.parse().unwrap()));
    }

    #[actix_rt::test]
    async fn a_gateway_that_vanishes_loses_its_link_and_may_come_back() {
        let services = Arc::new(Services::new(
            &Settings::default(),
            &Arc::default(),
            &Receipts::new(1),
            &Arc::default(),
            &Arc::default(),
        ));
        // Nobody listens there: the port is bound, and connecting to it is refused.
        let taken =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        taken.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = taken.local_addr().unwrap().as_socket().unwrap();
        let (here, nowhere) = (Places::from([(address, None)]), Places::new());
        let mut links = Links::new();
        reconcile(&here, &mut links, &services);
        reconcile(&here, &mut links, &services);
        assert_eq!((links.len(), services.gateways.all().len()), (1, 1));
        reconcile(&nowhere, &mut links, &services);
        while !services.gateways.all().is_empty() {
            tokio::task::yield_now().await;
        }
        reconcile(&here, &mut links, &services);
        assert_eq!((links.len(), services.gateways.all()[0].index.0), (1, 1), "a link of its own");
    }

    /// A gateway that welcomes whoever comes, once.
    async fn welcome(listener: &tokio::net::TcpListener) -> tokio::net::TcpStream {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a request"));
        }
        let mut answer = BytesMut::from(&b"HTTP/1.1 101 S\r\n\r\n"[..]);
        let instance = uuid::Uuid::from_u128(1);
        let gateway = "g".to_owned();
        Up::Welcome { offer: Offer::SILENT, instance, last_seq: 0, gateway }.encode(&mut answer);
        stream.write_all(&answer).await.expect("written");
        stream
    }

    /// Has a gateway welcome a link, leave its name and lose its connection.
    async fn interrupted(unlisted_retry: Duration) -> (tokio::net::TcpListener, Arc<Services>) {
        let settings = Settings { unlisted_retry, ..Settings::default() };
        let services = Arc::new(Services::new(
            &settings,
            &Arc::default(),
            &Receipts::new(1),
            &Arc::default(),
            &Arc::default(),
        ));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = Places::from([(listener.local_addr().expect("bound"), None)]);
        let mut links = Links::new();
        reconcile(&here, &mut links, &services);
        let connection = welcome(&listener).await;
        while services.gateways.all()[0].instance().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        reconcile(&Places::new(), &mut links, &services);
        assert_eq!(services.gateways.all().len(), 1, "as long as it answers");
        drop(connection);
        // The addresses of the actors are not dropped, as they would not be by the loop.
        std::mem::forget(links);
        (listener, services)
    }

    #[actix_rt::test]
    async fn a_gateway_that_left_its_name_is_tried_again() {
        let (listener, services) = interrupted(Duration::from_secs(600)).await;
        drop(welcome(&listener).await);
        drop(welcome(&listener).await);
        assert_eq!(services.gateways.all().len(), 1);
    }

    #[actix_rt::test]
    async fn a_gateway_that_left_its_name_is_tried_for_as_long_as_was_set() {
        let (_listener, services) = interrupted(Duration::ZERO).await;
        while !services.gateways.all().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[actix_rt::test]
    async fn a_name_that_is_not_found_keeps_what_was_known() {
        let mut name = Name::new("http://nowhere.invalid:1".parse().unwrap());
        name.addresses.insert("127.0.0.1:1".parse().unwrap());
        name.look_up().await;
        assert!(name.failing);
        assert_eq!(name.addresses.len(), 1);
    }
}
