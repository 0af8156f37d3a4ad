//! One link, from the 101 to its end: reads frames, delivers, acknowledges.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use bytes::BytesMut;
use protocol::link::{Down, HEARTBEAT, LinkError, Offer, PresenceChange, SILENCE, Terms, Up};
use serving::stream::Stream;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::{
    batches::Batches, devices, given_up, load, requests, times::Times, topics, unknown::Unknown,
    work,
};
use crate::{
    gateway::Gateway,
    metrics::clocks::LinkClock,
    uplink::{queue::LinkQueue, way::Way},
};

/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;
/// Bytes under way to a pusher-api; net.core.wmem_max caps it.
const SEND_BUFFER: usize = 1 << 20;

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
enum LinkEnd {
    #[error("the peer closed it")]
    Closed,
    #[error("{0}")]
    Io(io::Error),
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
    #[error("another process has taken over")]
    Moved,
}

impl LinkEnd {
    /// As it stands in metric labels.
    const fn label(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Io(_) => "lost",
            Self::Silent => "silent",
            Self::Frame(_) => "bad_frame",
            Self::NoHello => "no_hello",
            Self::Versions(_) => "no_common_version",
            Self::Overflow => "overflow",
            Self::Moved => "moved",
        }
    }
}

impl From<io::Error> for LinkEnd {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Inside TLS this is an end without a last word; frames say themselves where they end.
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// Runs a link to its end. `switch` answers the HTTP request, `read` is what came behind it.
pub(crate) async fn run(gateway: Arc<Gateway>, stream: Stream, switch: String, read: BytesMut) {
    let peer = stream.tcp().peer_addr().ok();
    let host = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let peer = peer.map_or_else(|| "?".to_owned(), |address| address.to_string());
    // Of what is written to a link more may be under way than of answers at the operators' port.
    if let Err(error) = SockRef::from(stream.tcp()).set_send_buffer_size(SEND_BUFFER) {
        debug!(%peer, %error, "the link keeps a small send buffer");
    }
    info!(%peer, tls = stream.is_tls(), "link up");
    gateway.metrics.links.inc();
    let link = Arc::new(LinkQueue::default());
    let clock = gateway.metrics.link_clocks.enter(host);
    let attached = Attached { gateway: &gateway, link: &link, clock };
    let end = serve(&attached, stream, switch, read).await;
    drop(attached);
    gateway.metrics.link_ended(end.label());
    match end {
        LinkEnd::Closed | LinkEnd::Moved => info!(%peer, reason = %end, "link down"),
        LinkEnd::Overflow => {
            gateway.metrics.link_overflows.inc();
            warn!(%peer, reason = %end, "link down");
        }
        end => warn!(%peer, reason = %end, "link down"),
    }
}

/// Takes the link out again on every path: the thread of a snapshot must not wait for it for ever.
struct Attached<'a> {
    gateway: &'a Arc<Gateway>,
    link: &'a Arc<LinkQueue>,
    /// How far the two clocks are apart.
    clock: LinkClock,
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        devices::on_loss(self.gateway, self.link);
        let way = Way(Arc::clone(self.link));
        self.gateway.directory.relays.lost(&way);
        self.gateway.directory.others.lost(&way);
        self.gateway.directory.stores.lost(&way, Instant::now());
        self.gateway.directory.presence.detach(self.link);
        self.gateway.metrics.links.dec();
    }
}

async fn serve(attached: &Attached<'_>, stream: Stream, switch: String, read: BytesMut) -> LinkEnd {
    match stream {
        Stream::Plain(socket) => exchange(attached, socket.into_split(), switch, read).await,
        Stream::Tls(tls) => exchange(attached, tokio::io::split(*tls), switch, read).await,
    }
}

async fn exchange(
    attached: &Attached<'_>,
    (mut reader, mut writer): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    switch: String,
    read: BytesMut,
) -> LinkEnd {
    if let Err(error) = write(&mut writer, switch.as_bytes()).await {
        return error.into();
    }
    let down = async {
        let mut inbound = Inbound { reader: &mut reader, buffer: read };
        read_frames(attached, &mut inbound).await
    };
    tokio::select! {
        () = attached.gateway.standstill.over() => LinkEnd::Moved,
        end = down => match end { Ok(()) => LinkEnd::Closed, Err(end) => end },
        end = write_frames(&mut writer, attached.link) => end,
    }
}

/// Writes all of it: inside TLS, what was taken in is not on its way before it is flushed.
async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

async fn write_frames(writer: &mut (impl AsyncWrite + Unpin), link: &LinkQueue) -> LinkEnd {
    loop {
        match timeout(HEARTBEAT, link.next()).await {
            Ok(Some(bytes)) => {
                if let Err(error) = write(writer, &bytes).await {
                    return error.into();
                }
            }
            Ok(None) => return LinkEnd::Overflow,
            Err(_) => link.send(&Up::Heartbeat),
        }
    }
}

struct Inbound<'a, R> {
    reader: &'a mut R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Inbound<'_, R> {
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

async fn read_frames<R: AsyncRead + Unpin>(
    attached: &Attached<'_>,
    inbound: &mut Inbound<'_, R>,
) -> Result<(), LinkEnd> {
    let Attached { gateway, link, clock } = attached;
    let (sender, terms) = greet(gateway, inbound, link).await?;
    let times = Times::new(link, terms, clock);
    let batches = Batches::new(gateway, link, sender, terms, &times);
    tokio::select! {
        // What came first is delivered before a request that came behind it is looked at.
        biased;
        end = take_frames(gateway, inbound, link, &batches, terms, &times) => end,
        Err(error) = batches.deliver_waiting() => Err(error.into()),
        never = times.keep_asking() => match never {},
        never = work::keep_told(gateway, link, terms) => match never {},
        never = topics::keep_told(gateway, link, terms) => match never {},
        never = batches.keep_told() => match never {},
        never = load::keep_told(gateway, link, terms) => match never {},
    }
}

async fn take_frames<R: AsyncRead + Unpin>(
    gateway: &Arc<Gateway>,
    inbound: &mut Inbound<'_, R>,
    link: &Arc<LinkQueue>,
    batches: &Batches<'_>,
    terms: Terms,
    times: &Times<'_>,
) -> Result<(), LinkEnd> {
    let mut unknown = Unknown::new(&gateway.metrics);
    while let Some(frame) = next_frame(gateway, inbound).await? {
        match frame {
            Down::Batch { seq, pushes } => {
                batches.on_batch(seq, pushes).await?;
                batches.room().await;
            }
            Down::PresenceAck { seq } => link.confirm(seq),
            Down::Request { request, body } => {
                let (gateway, link) = (Arc::clone(gateway), Arc::clone(link));
                actix_rt::spawn(requests::answer(gateway, link, request, body));
            }
            Down::GivenUp(given_up) => given_up::tell(gateway, link, given_up),
            Down::RelayAnswer { relay, body } => {
                gateway.directory.relays.on_answer(&Way(Arc::clone(link)), relay, body);
            }
            Down::Device(notice) => devices::on_notice(gateway, link, notice),
            Down::UnknownRequest { request, name } => {
                unknown.on_request(link, terms, request, name);
            }
            Down::Time(reading) => times.on_answer(reading),
            Down::Store(store) => gateway.directory.stores.offered(&Way(Arc::clone(link)), store),
            Down::StoreAnswer { question, body } => {
                gateway.directory.stores.on_answer(&Way(Arc::clone(link)), question, body);
            }
            Down::Others(others) => {
                gateway.directory.others.told(&Way(Arc::clone(link)), others);
            }
            Down::Heartbeat => {}
            Down::Unknown { kind, .. } => unknown.on_frame(kind),
            Down::Hello { .. } => return Err(LinkEnd::NoHello),
        }
    }
    Ok(())
}

/// The next frame, while links do not stand still.
async fn next_frame<R: AsyncRead + Unpin>(
    gateway: &Gateway,
    inbound: &mut Inbound<'_, R>,
) -> Result<Option<Down>, LinkEnd> {
    loop {
        gateway.standstill.released().await;
        tokio::select! {
            biased;
            // What has come of a frame stays where it is.
            () = gateway.standstill.held() => {}
            frame = inbound.next() => return frame,
        }
    }
}

/// Takes the hello and answers it; from here on both sides hold to the terms.
async fn greet<R: AsyncRead + Unpin>(
    gateway: &Arc<Gateway>,
    inbound: &mut Inbound<'_, R>,
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
    link.set_sender(sender);
    if terms.relays() {
        link.set_relays();
    }
    gateway.directory.presence.attach(Arc::clone(link));
    send_snapshot(gateway, link);
    Ok((sender, terms))
}

/// How many users are named before it is looked whether there is room for more.
const PAGE: usize = 1024;

/// Names every user, page by page, as the pusher-api takes them. On a thread of its own, because a
/// million users take a while; changes that happen meanwhile go into the same queue with the user's
/// shard locked, and so in true order.
fn send_snapshot(gateway: &Arc<Gateway>, link: &Arc<LinkQueue>) {
    let (gateway, link) = (Arc::clone(gateway), Arc::clone(link));
    actix_rt::task::spawn_blocking(move || {
        link.append(PresenceChange::SnapshotBegin);
        let registry = &gateway.directory.registry;
        for page in registry.all_users().chunks(PAGE) {
            // Not with a user locked, who may be about to leave.
            if !link.wait_for_room() {
                return;
            }
            for user in page {
                let came = PresenceChange::Came(user.as_str());
                registry.while_here(user.as_str(), || link.append(came));
            }
        }
        link.append(PresenceChange::SnapshotEnd);
    });
}
