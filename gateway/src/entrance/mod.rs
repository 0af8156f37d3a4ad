//! From the accept queue to a session.
//!
//! Connections come by [`accept`]; [`arrivals`] reads what they say first, behind a handshake of TLS where
//! they are [`sealed`], and [`answers`] what of that are requests; where a proxy stands in front, the
//! [`proxy_header`] comes before all else, and [`proxied`] says where the client is. [`requests`] finds out what one asks for, by the [`routes`] there are and the rules for
//! [`origins`]: if it is a handshake, [`websocket`], [`sse`] or [`poll`] take it with what it has [`shown`]; or it
//! asks a session for what is new ([`poll`], with its [`question`]), or brings [`frames`] for one that is
//! there, or [`elsewhere`]. A first line is for [`tcp`], and the [`first_message`] of a WebSocket says who comes where its request did not. Each makes an
//! [`Unidentified`](handshake::Unidentified) client of a connection, which the [`handshake`] turns
//! into a session, or refuses. Who does not become one is told why by [`leaving`]. Those that are none when another
//! process takes over go to it ([`moving`]).

pub(crate) mod accept;
mod answers;
pub(crate) mod arrivals;
mod elsewhere;
pub(crate) mod first_message;
mod frames;
pub(crate) mod handshake;
pub(crate) mod leaving;
pub(crate) mod moving;
mod origins;
mod poll;
mod proxied;
pub(crate) mod proxy_header;
pub(crate) mod question;
mod requests;
mod routes;
mod sealed;
mod shown;
mod sse;
pub(crate) mod tcp;
mod websocket;
