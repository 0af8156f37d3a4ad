//! The TCP transport's handshake: the first line is a `connect` frame.

use std::{io, time::Duration};

use bytes::{Buf, BytesMut};
use protocol::{
    CloseReason, Transport,
    client_frame::{ClientFrame, Connect},
    server_frame::ServerFrame,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tracing::debug;

use super::handshake::{Doorway, Refused, Unidentified};
use crate::{
    access::{admission::retry_ms, auth::Credentials},
    session::Runner,
    transports::{
        tcp::{Tcp, next_line},
        wire::Wire,
    },
};

/// How long a refused client may take to go.
const LINGER: Duration = Duration::from_secs(1);

/// Reads the first line and turns the connection into a session, or says why not. `read` was read
/// already.
pub(super) async fn serve(doorway: Doorway, mut socket: TcpStream, mut read: BytesMut) {
    let local = &doorway.seats.local;
    let first = read_first_frame(&mut socket, &mut read, local.settings.max_frame);
    let reason = match timeout(local.settings.handshake_timeout, first).await {
        Ok(Ok(Ok(connect))) => return join_in_new_seat(&doorway, socket, read, &connect).await,
        Ok(Ok(Err(reason))) => reason,
        Ok(Err(error)) => return debug!(%error, "connection lost before its first frame"),
        Err(_) => CloseReason::HandshakeTimeout,
    };
    local.metrics.handshake(Transport::Tcp, reason.as_str());
    say_goodbye(socket, reason).await;
}

async fn read_first_frame(
    socket: &mut TcpStream,
    read: &mut BytesMut,
    limit: usize,
) -> io::Result<Result<Connect, CloseReason>> {
    loop {
        if let Some(found) = first_frame(read, limit).transpose() {
            return Ok(found);
        }
        if socket.read_buf(read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The `connect` frame, which is taken off `read`; nothing while it is incomplete.
///
/// # Errors
/// The first line is something else, and stays in `read`: whoever looks again finds the same.
pub(super) fn first_frame(
    read: &mut BytesMut,
    limit: usize,
) -> Result<Option<Connect>, CloseReason> {
    let Some((line, used)) = next_line(read, limit)? else { return Ok(None) };
    let Ok(ClientFrame::Connect(connect)) = ClientFrame::parse(line) else {
        return Err(CloseReason::InvalidFrame);
    };
    read.advance(used);
    Ok(Some(connect))
}

async fn join_in_new_seat(doorway: &Doorway, socket: TcpStream, read: BytesMut, connect: &Connect) {
    let seats = &doorway.seats;
    let started = socket.into_std().and_then(|socket| {
        seats.start(socket, |socket, seat| join(doorway, connect, socket, read, seat))
    });
    match started {
        Ok(Ok(())) => {}
        Ok(Err(refused)) => {
            let reason = refused.refusal.close_reason();
            match seats.release(refused.socket) {
                Ok(socket) => say_goodbye(socket, reason).await,
                Err(error) => debug!(%error, "connection lost in its handshake"),
            }
        }
        Err(error) => debug!(%error, "connection lost in its handshake"),
    }
}

/// Turns the connection in a seat into a session. `read` came behind the first line.
///
/// # Errors
/// Hands the connection back with the reason.
pub(super) fn join(
    doorway: &Doorway,
    connect: &Connect,
    socket: std::net::TcpStream,
    read: BytesMut,
    seat: u32,
) -> Result<Runner, Box<Refused>> {
    let (transport, greeting) = (Transport::Tcp, Vec::new());
    let client = Unidentified { socket, seat, transport, read, greeting };
    let Connect { token, user, device, .. } = connect;
    let (token, user, device) = (token.as_deref(), user.as_deref(), device.as_deref());
    client.identify(doorway, Credentials { token, user, device })
}

/// Says why, and reads what the client still sends for a moment: closing with unread bytes would
/// reset the connection, and the goodbye might be lost with it.
pub(super) async fn say_goodbye(mut socket: TcpStream, reason: CloseReason) {
    let mut bye = Vec::new();
    Tcp.encode(&ServerFrame::bye(reason, retry_ms()).encode(), &mut bye);
    let mut scratch = [0; 1024];
    let goodbye = async {
        // A peer that does not take its goodbye is gone all the same.
        let _ = socket.write_all(&bye).await;
        let _ = socket.shutdown().await;
        while let Ok(1..) = socket.read(&mut scratch).await {}
    };
    let _ = timeout(LINGER, goodbye).await;
}
