//! One connection to a gateway, from the upgrade to its end.

use std::sync::Arc;

use bytes::BytesMut;
use protocol::link::{Down, Up, VERSION};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    connect, failure::Failure, handle::Link, patience::HANDSHAKE, reader::Reader,
    services::Services, writer,
};

/// Runs the link until the connection ends; there is always a reason.
pub(super) async fn run(link: Arc<Link>, services: Arc<Services>) -> Failure {
    match establish(&link, &services).await {
        Ok((stream, arrived)) => exchange(stream, arrived, link, services).await,
        Err(failure) => failure,
    }
}

async fn establish(link: &Link, services: &Services) -> Result<(TcpStream, BytesMut), Failure> {
    let (mut stream, mut arrived) = connect::open(link.address, services.secret.as_ref()).await?;
    let greeting = tokio::time::timeout(HANDSHAKE, greet(&mut stream, &mut arrived, link));
    let Up::Welcome { version, instance, last_seq, gateway } =
        greeting.await.map_err(|_| Failure::Silent)??
    else {
        return Err(Failure::NoWelcome);
    };
    if version != VERSION {
        return Err(Failure::Version(version));
    }
    if services.gateways.is_linked_elsewhere(instance, link.index) {
        return Err(Failure::Duplicate);
    }
    let lost = link.welcome(instance, last_seq, &gateway);
    services.metrics.dropped_at_restart.inc_by(lost.pushes);
    tracing::info!(gateway, address = %link.address, %instance, "gateway connected");
    Ok((stream, arrived))
}

async fn greet(stream: &mut TcpStream, arrived: &mut BytesMut, link: &Link) -> Result<Up, Failure> {
    let mut hello = BytesMut::new();
    Down::Hello { version: VERSION, sender: link.sender() }.encode(&mut hello);
    stream.write_all(&hello).await?;
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
    link: Arc<Link>,
    services: Arc<Services>,
) -> Failure {
    let (incoming, outgoing) = stream.split();
    let reader = Reader::new(Arc::clone(&link), services);
    tokio::select! {
        failure = reader.run(incoming, arrived) => failure,
        failure = writer::run(outgoing, &link) => failure,
    }
}
