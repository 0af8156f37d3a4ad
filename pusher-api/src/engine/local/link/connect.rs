//! Opens a connection and upgrades it from HTTP to link frames.

use std::{net::SocketAddr, sync::Arc};

use bytes::{Buf, BytesMut};
use certificates::rustls::{ClientConfig, pki_types::ServerName};
use protocol::link::{HEARTBEAT, OFFER_HEADER, Offer, PATH, SILENCE, UPGRADE};
use serving::stream::Stream;
use settings::Secret;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{failure::Failure, patience::HANDSHAKE, terms};

/// Longest head of the response to the upgrade.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// What TLS is spoken with.
pub(super) struct Tls {
    /// Whom to believe, and what to show.
    pub config: Arc<ClientConfig>,
    /// What the gateway's certificate has to be for.
    pub name: ServerName<'static>,
}

/// Connects, and returns the stream with what already arrived behind the response, and what the
/// gateway offers in it.
pub(super) async fn open(
    address: SocketAddr,
    tls: Option<Tls>,
    secret: Option<&Secret>,
) -> Result<(Stream, BytesMut, Offer), Failure> {
    let connecting = tokio::time::timeout(HANDSHAKE, TcpStream::connect(address));
    let connected = connecting.await.unwrap_or_else(|elapsed| Err(elapsed.into()));
    let socket = connected.map_err(Failure::Connect)?;
    tune(&socket)?;
    let mut stream = match tls {
        None => socket.into(),
        Some(tls) => encrypt(socket, tls).await?,
    };
    let upgrading = tokio::time::timeout(HANDSHAKE, upgrade(&mut stream, address, secret));
    let (rest, offer) = upgrading.await.map_err(|_| Failure::Silent)??;
    Ok((stream, rest, offer))
}

/// Goes over to TLS.
async fn encrypt(socket: TcpStream, Tls { config, name }: Tls) -> Result<Stream, Failure> {
    let handshake = TlsConnector::from(config).connect(name, socket);
    let done = tokio::time::timeout(HANDSHAKE, handshake);
    let stream = done.await.map_err(|_| Failure::Silent)??;
    Ok(Stream::Tls(Box::new(stream.into())))
}

fn tune(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE).with_interval(HEARTBEAT))?;
    socket.set_tcp_user_timeout(Some(SILENCE))
}

async fn upgrade(
    stream: &mut Stream,
    address: SocketAddr,
    secret: Option<&Secret>,
) -> Result<(BytesMut, Offer), Failure> {
    // The gateway's HTTP server hands over a raw connection only where WebSocket is offered as
    // well; it answers with the first of the two.
    let mut request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: {UPGRADE}\r\nUpgrade: websocket\r\n{OFFER_HEADER}: {ours}\r\n",
        ours = Offer::OURS
    );
    if let Some(secret) = secret {
        request.push_str("Authorization: Bearer ");
        request.push_str(secret.expose());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut arrived = BytesMut::with_capacity(MAX_HEAD_BYTES);
    loop {
        if stream.read_buf(&mut arrived).await? == 0 {
            return Err(Failure::Closed);
        }
        if let Some((length, offer)) = read_head(&arrived)? {
            arrived.advance(length);
            return Ok((arrived, offer));
        }
    }
}

/// The length of the response's head, and the gateway's offer, once it is complete and says 101.
fn read_head(arrived: &[u8]) -> Result<Option<(usize, Offer)>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let status = response.parse(arrived).map_err(|_| Failure::NotHttp)?;
    match (status, response.code) {
        (httparse::Status::Partial, _) if arrived.len() >= MAX_HEAD_BYTES => Err(Failure::NotHttp),
        (httparse::Status::Partial, _) => Ok(None),
        (httparse::Status::Complete(length), Some(101)) => {
            Ok(Some((length, terms::announced(response.headers))))
        }
        (httparse::Status::Complete(_), Some(401)) => Err(Failure::Unauthorized),
        (httparse::Status::Complete(_), Some(403)) => Err(Failure::Uncertified),
        (httparse::Status::Complete(_), Some(409)) => Err(Failure::NoCommonVersion),
        (httparse::Status::Complete(_), code) => Err(Failure::Refused(code.unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_bounded() {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: holdfast-link\r\n\r\nrest";
        assert_eq!(read_head(head).expect("101"), Some((head.len() - 4, Offer::SILENT)));
        assert_eq!(read_head(&head[..20]).expect("incomplete"), None);
        let mut long = b"HTTP/1.1 101 S\r\nA: ".to_vec();
        long.resize(MAX_HEAD_BYTES, b'a');
        assert!(matches!(read_head(&long), Err(Failure::NotHttp)));
        assert!(matches!(read_head(b"SSH-2.0-x\r\n\r\n"), Err(Failure::NotHttp)));
        let refused = read_head(b"HTTP/1.1 503 Busy\r\n\r\n");
        assert!(matches!(refused, Err(Failure::Refused(503))));
        let refused = read_head(b"HTTP/1.1 409 No\r\n\r\n");
        assert!(matches!(refused, Err(Failure::NoCommonVersion)));
        let refused = read_head(b"HTTP/1.1 403 No\r\n\r\n");
        assert!(matches!(refused, Err(Failure::Uncertified)));
        let refused = read_head(b"HTTP/1.1 401 No\r\n\r\n");
        assert!(matches!(refused, Err(Failure::Unauthorized)));
    }
}
