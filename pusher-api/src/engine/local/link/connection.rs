//! One connection to a gateway, from the upgrade to its end.

use std::sync::Arc;

use bytes::BytesMut;
use protocol::link::{Down, Terms, Up};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    connect, devices, failure::Failure, handle::Link, patience::HANDSHAKE, questions,
    reader::Reader, services::Services, terms, writer,
};

/// Runs the link until the connection ends; there is always a reason.
pub(super) async fn run(link: Arc<Link>, services: Arc<Services>) -> Failure {
    match establish(&link, &services).await {
        Ok((stream, arrived, terms)) => exchange(stream, arrived, terms, link, services).await,
        Err(failure) => failure,
    }
}

async fn establish(
    link: &Link,
    services: &Services,
) -> Result<(TcpStream, BytesMut, Terms), Failure> {
    let (mut stream, mut arrived, announced) =
        connect::open(link.address, services.keys.link_secret().as_ref()).await?;
    let said = terms::to_say(announced)?;
    let hello = Down::Hello { sender: link.sender(), offer: said };
    let greeting = tokio::time::timeout(HANDSHAKE, greet(&mut stream, &mut arrived, &hello));
    let Up::Welcome { offer, instance, last_seq, gateway } =
        greeting.await.map_err(|_| Failure::Silent)??
    else {
        return Err(Failure::NoWelcome);
    };
    let terms = terms::agree(said, offer)?;
    if let Some(other) = services.gateways.linked_elsewhere(instance, link.index) {
        link.alias(instance, &gateway, other);
        return Err(Failure::Alias(other));
    }
    // It says anew which store it holds to; until then what it said holds, unless it is another process.
    if link.instance() != Some(instance) {
        services.keeping.forget(link.index);
    }
    let lost = link.welcome(instance, last_seq, &gateway);
    services.gateways.take_over_missed(instance, link);
    services.metrics.dropped_at_restart.inc_by(lost.pushes);
    let (version, capabilities) = (terms.version(), terms.capabilities());
    let address = link.address;
    tracing::info!(gateway, %address, %instance, version, %capabilities, "gateway connected");
    Ok((stream, arrived, terms))
}

async fn greet(
    stream: &mut TcpStream,
    arrived: &mut BytesMut,
    hello: &Down,
) -> Result<Up, Failure> {
    let mut encoded = BytesMut::new();
    hello.encode(&mut encoded);
    stream.write_all(&encoded).await?;
    loop {
        if let Some(frame) = Up::decode(arrived)? {
            return Ok(frame);
        }
        if stream.read_buf(arrived).await? == 0 {
            return Err(Failure::Closed);
        }
    }
}

async fn exchange(
    mut stream: TcpStream,
    arrived: BytesMut,
    terms: Terms,
    link: Arc<Link>,
    services: Arc<Services>,
) -> Failure {
    link.begin(terms);
    let _joined = terms.claims_devices().then(|| devices::Joined::new(&link, &services));
    if terms.keeps() {
        link.tell_store(services.keeping.id());
    }
    let (incoming, outgoing) = stream.split();
    let (asking, answering) = questions::queue(&link, &services);
    let reader = Reader::new(Arc::clone(&link), services, asking);
    tokio::select! {
        never = answering.run() => match never {},
        failure = reader.run(incoming, arrived) => failure,
        failure = writer::run(outgoing, &link, terms) => failure,
    }
}
