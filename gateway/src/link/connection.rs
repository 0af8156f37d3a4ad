//! One link, from the 101 to its end: reads frames, delivers, acknowledges.

use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use protocol::link::{Down, HEARTBEAT, LinkError, Offer, PresenceChange, SILENCE, Terms, Up};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedWriteHalf},
    time::timeout,
};
use tracing::{info, warn};
use uuid::Uuid;

use super::{requests, unknown::Unknown, work};
use crate::{gateway::Gateway, uplink::queue::LinkQueue};

/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;
/// How long reading pauses when too many pushes wait in this process.
const PAUSE: Duration = Duration::from_millis(2);

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
enum LinkEnd {
    #[error("the peer closed it")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("nothing came for {} s", SILENCE.as_secs())]
    Silent,
    #[error("{0}")]
    Frame(#[from] LinkError),
    #[error("expected a hello as the first frame, and only there")]
    NoHello,
    #[error("no version of the link in common: the pusher-api speaks {0}")]
    Versions(Offer),
    #[error("the pusher-api takes too little; it will start anew")]
    Overflow,
}

/// Runs a link to its end. `switch` answers the HTTP request, `read` is what came behind it.
pub(crate) async fn run(gateway: Arc<Gateway>, socket: TcpStream, switch: String, read: BytesMut) {
    let peer = socket.peer_addr().map_or_else(|_| "?".to_owned(), |address| address.to_string());
    info!(%peer, "link up");
    gateway.metrics.links.inc();
    let link = Arc::new(LinkQueue::default());
    let end = serve(&gateway, socket, switch, read, &link).await;
    gateway.directory.presence.detach(&link);
    gateway.metrics.links.dec();
    match end {
        LinkEnd::Closed => info!(%peer, "link down"),
        LinkEnd::Overflow => {
            gateway.metrics.link_overflows.inc();
            warn!(%peer, reason = %end, "link down");
        }
        end => warn!(%peer, reason = %end, "link down"),
    }
}

async fn serve(
    gateway: &Arc<Gateway>,
    socket: TcpStream,
    switch: String,
    read: BytesMut,
    link: &Arc<LinkQueue>,
) -> LinkEnd {
    let (mut reader, mut writer) = socket.into_split();
    if let Err(error) = writer.write_all(switch.as_bytes()).await {
        return error.into();
    }
    let down = async {
        let mut inbound = Inbound { reader: &mut reader, buffer: read };
        read_frames(gateway, &mut inbound, link).await
    };
    tokio::select! {
        end = down => match end { Ok(()) => LinkEnd::Closed, Err(end) => end },
        end = write_frames(&mut writer, link) => end,
    }
}

async fn write_frames(writer: &mut OwnedWriteHalf, link: &LinkQueue) -> LinkEnd {
    loop {
        match timeout(HEARTBEAT, link.next()).await {
            Ok(Some(bytes)) => {
                if let Err(error) = writer.write_all(&bytes).await {
                    return error.into();
                }
            }
            Ok(None) => return LinkEnd::Overflow,
            Err(_) => link.send(&Up::Heartbeat),
        }
    }
}

struct Inbound<'a> {
    reader: &'a mut tokio::net::tcp::OwnedReadHalf,
    buffer: BytesMut,
}

impl Inbound<'_> {
    async fn next(&mut self) -> Result<Option<Down>, LinkEnd> {
        loop {
            if let Some(frame) = Down::decode(&mut self.buffer)? {
                return Ok(Some(frame));
            }
            self.buffer.reserve(READ_BYTES);
            let read = timeout(SILENCE, self.reader.read_buf(&mut self.buffer)).await;
            if read.map_err(|_| LinkEnd::Silent)?? == 0 {
                return Ok(None);
            }
        }
    }
}

async fn read_frames(
    gateway: &Arc<Gateway>,
    inbound: &mut Inbound<'_>,
    link: &Arc<LinkQueue>,
) -> Result<(), LinkEnd> {
    let (sender, terms) = greet(gateway, inbound, link).await?;
    tokio::select! {
        end = take_frames(gateway, inbound, link, sender, terms) => end,
        never = work::keep_told(gateway, link, terms) => match never {},
    }
}

async fn take_frames(
    gateway: &Arc<Gateway>,
    inbound: &mut Inbound<'_>,
    link: &Arc<LinkQueue>,
    sender: Uuid,
    terms: Terms,
) -> Result<(), LinkEnd> {
    let mut unknown = Unknown::new(&gateway.metrics);
    let mut delivery = gateway.delivery(Arc::clone(link));
    while let Some(frame) = inbound.next().await? {
        match frame {
            Down::Batch { seq, pushes } => {
                while gateway.push_memory.is_full() {
                    tokio::time::sleep(PAUSE).await;
                }
                match gateway.batches.is_new(sender, seq) {
                    true => unknown.on_pushes(delivery.batch(&pushes, terms.entries())?),
                    false => gateway.metrics.link_repeats.inc(),
                }
                if delivery.take_fanned_out() {
                    work::tell(gateway, link, terms);
                }
                let queued_bytes = gateway.push_memory.used() as u64;
                link.send(&Up::BatchAck { seq, queued_bytes });
            }
            Down::PresenceAck { seq } => link.confirm(seq),
            Down::Request { request, body } => {
                let (gateway, link) = (Arc::clone(gateway), Arc::clone(link));
                actix_rt::spawn(requests::answer(gateway, link, request, body));
            }
            Down::UnknownRequest { request, name } => {
                unknown.on_request(link, terms, request, name);
            }
            Down::Heartbeat => {}
            Down::Unknown { kind, .. } => unknown.on_frame(kind),
            Down::Hello { .. } => return Err(LinkEnd::NoHello),
        }
    }
    Ok(())
}

/// Takes the hello and answers it; from here on both sides hold to the terms.
async fn greet(
    gateway: &Arc<Gateway>,
    inbound: &mut Inbound<'_>,
    link: &Arc<LinkQueue>,
) -> Result<(Uuid, Terms), LinkEnd> {
    let Some(Down::Hello { sender, offer }) = inbound.next().await? else {
        return Err(LinkEnd::NoHello);
    };
    let terms = Offer::OURS.agree(offer).ok_or(LinkEnd::Versions(offer))?;
    info!(%sender, version = terms.version(), capabilities = %terms.capabilities(), "link agreed");
    link.send(&Up::Welcome {
        offer: Offer::OURS.in_reply_to(offer),
        instance: gateway.instance,
        last_seq: gateway.batches.last(sender),
        gateway: gateway.name.clone(),
    });
    gateway.directory.presence.attach(Arc::clone(link));
    send_snapshot(gateway, link);
    Ok((sender, terms))
}

/// Names every user. On a thread of its own, because a million users take a while; changes that
/// happen meanwhile go into the same queue with the user's shard locked, and so in true order.
fn send_snapshot(gateway: &Arc<Gateway>, link: &Arc<LinkQueue>) {
    let (gateway, link) = (Arc::clone(gateway), Arc::clone(link));
    actix_rt::task::spawn_blocking(move || {
        link.append(PresenceChange::SnapshotBegin);
        gateway.directory.registry.for_each_user(|user| link.append(PresenceChange::Came(user)));
        link.append(PresenceChange::SnapshotEnd);
    });
}
