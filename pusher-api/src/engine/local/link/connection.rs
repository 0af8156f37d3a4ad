//! One connection to a gateway, from the upgrade to its end.

use std::sync::Arc;

use bytes::BytesMut;
use certificates::rustls::pki_types::ServerName;
use protocol::link::{Down, Terms, Up};
use serving::stream::Stream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    connect::{self, Tls},
    devices,
    failure::Failure,
    handle::Link,
    others,
    patience::HANDSHAKE,
    questions,
    reader::Reader,
    services::Services,
    terms, writer,
};

/// Runs the link until the connection ends; there is always a reason. With a name it is one inside TLS,
/// with a gateway whose certificate is for that name.
pub(super) async fn run(
    link: Arc<Link>,
    name: Option<ServerName<'static>>,
    services: Arc<Services>,
) -> Failure {
    match establish(&link, name, &services).await {
        Ok((Stream::Plain(mut socket), arrived, terms)) => {
            exchange(socket.split(), arrived, terms, link, services).await
        }
        Ok((Stream::Tls(tls), arrived, terms)) => {
            exchange(tokio::io::split(*tls), arrived, terms, link, services).await
        }
        Err(failure) => failure,
    }
}

async fn establish(
    link: &Link,
    name: Option<ServerName<'static>>,
    services: &Services,
) -> Result<(Stream, BytesMut, Terms), Failure> {
    // Looked at anew for each connection: what was read again is for those to come.
    let tls = services.keys.tls.links().zip(name);
    let tls = tls.map(|(config, name)| Tls { config, name });
    let secret = services.keys.link_secret();
    let (mut stream, mut arrived, announced) =
        connect::open(link.address, tls, secret.as_ref()).await?;
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
    services.metrics.pushes.dropped_at_restart.inc_by(lost.pushes);
    let (version, capabilities) = (terms.version(), terms.capabilities());
    let address = link.address;
    let tls = stream.is_tls();
    tracing::info!(gateway, %address, %instance, version, %capabilities, tls, "gateway connected");
    Ok((stream, arrived, terms))
}

async fn greet(stream: &mut Stream, arrived: &mut BytesMut, hello: &Down) -> Result<Up, Failure> {
    let mut encoded = BytesMut::new();
    hello.encode(&mut encoded);
    stream.write_all(&encoded).await?;
    stream.flush().await?;
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
    (incoming, outgoing): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
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
    let (asking, answering) = questions::queue(&link, &services);
    let reader = Reader::new(Arc::clone(&link), Arc::clone(&services), asking);
    tokio::select! {
        never = answering.run() => match never {},
        never = others::keep_told(&link, &services, terms) => match never {},
        failure = reader.run(incoming, arrived) => failure,
        failure = writer::run(outgoing, &link, terms) => failure,
    }
}
