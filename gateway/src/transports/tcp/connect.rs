//! The TCP transport's handshake: the first line is a `connect` frame.

use std::{io, rc::Rc, time::Duration};

use bytes::{Buf, BytesMut};
use protocol::{
    CloseReason,
    client_frame::{ClientFrame, Connect},
    server_frame::ServerFrame,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tracing::debug;

use super::line::next_line;
use crate::{
    admission::retry_ms, auth::Credentials, handshake::Unidentified, transports::Transport,
    worker::Worker,
};

/// How long a refused client may take to go.
const LINGER: Duration = Duration::from_secs(1);

/// Reads the first line and turns the connection into a session, or says why not.
pub async fn serve(worker: Rc<Worker>, mut socket: TcpStream) {
    let limit = worker.gateway.settings.max_frame;
    let mut read = BytesMut::new();
    let first = first_frame(&mut socket, &mut read, limit);
    let reason = match timeout(worker.gateway.settings.handshake_timeout, first).await {
        Ok(Ok(Ok(connect))) => return join(&worker, socket, read, connect).await,
        Ok(Ok(Err(reason))) => reason,
        Ok(Err(error)) => return debug!(%error, "connection lost before its first frame"),
        Err(_) => CloseReason::HandshakeTimeout,
    };
    worker.gateway.metrics.handshake(Transport::Tcp, reason.as_str());
    say_goodbye(socket, reason).await;
}

/// The `connect` frame, which is taken off `read`; or why there is none.
async fn first_frame(
    socket: &mut TcpStream,
    read: &mut BytesMut,
    limit: usize,
) -> io::Result<Result<Connect, CloseReason>> {
    loop {
        let found = match next_line(read, limit) {
            Ok(Some((line, used))) => Ok((ClientFrame::parse(line), used)),
            Ok(None) => {
                if socket.read_buf(read).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            }
            Err(reason) => Err(reason),
        };
        return Ok(found.and_then(|(frame, used)| {
            read.advance(used);
            match frame {
                Ok(ClientFrame::Connect(connect)) => Ok(connect),
                _ => Err(CloseReason::InvalidFrame),
            }
        }));
    }
}

async fn join(worker: &Rc<Worker>, socket: TcpStream, read: BytesMut, connect: Connect) {
    let client = Unidentified { socket, transport: Transport::Tcp, read, greeting: Vec::new() };
    let Connect { token, user, .. } = &connect;
    let credentials = Credentials { token: token.as_deref(), user: user.as_deref() };
    if let Err(refused) = client.identify(worker, credentials) {
        debug!(refusal = %refused.refusal, "client refused");
        say_goodbye(refused.socket, refused.refusal.close_reason()).await;
    }
}

/// Says why, and reads what the client still sends for a moment: closing with unread bytes would
/// reset the connection, and the goodbye might be lost with it.
async fn say_goodbye(mut socket: TcpStream, reason: CloseReason) {
    let mut bye = Vec::new();
    Transport::Tcp.encode(&ServerFrame::bye(reason, retry_ms()).encode(), &mut bye);
    let mut scratch = [0; 1024];
    let goodbye = async {
        // A peer that does not take its goodbye is gone all the same.
        let _ = socket.write_all(&bye).await;
        let _ = socket.shutdown().await;
        while let Ok(1..) = socket.read(&mut scratch).await {}
    };
    let _ = timeout(LINGER, goodbye).await;
}
