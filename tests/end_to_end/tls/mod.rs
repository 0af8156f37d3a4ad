//! TLS in front of clients, on links, and in front of backends. That sessions are the same over it, the contract of all
//! transports shows. [`commands`] are this program's own clients, of which [`load`] is the load client.

mod backends;
mod certificates;
mod clients;
mod commands;
mod handshakes;
mod links;
mod load;
pub(crate) mod sessions;

use std::net::SocketAddr;

pub(crate) use backends::encrypted;

use crate::harness::{
    Gateway, PusherApi,
    tls::{link_flag, link_flags},
};

/// Any port of the address that certificates are for.
fn local() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// The flag that names a gateway's operators' port.
fn gateway_flag(gateway: &Gateway) -> String {
    format!("--gateway=https://localhost:{}", gateway.operators.port())
}

fn refs(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

/// The flags of a pusher-api that listens inside TLS, too.
pub(crate) fn listener_flags() -> [String; 3] {
    [
        format!("--tls-listen={}", local()),
        link_flag("tls-cert", "gateway.pem"),
        link_flag("tls-key", "gateway.key.pem"),
    ]
}

/// A gateway that takes only links with a certificate, and a pusher-api that has one, with these flags more.
fn certified_pair(flags: &[&str]) -> (Gateway, PusherApi) {
    certified_pair_with(&[], flags)
}

/// The same, with these flags more of the gateway and of pusher-api.
pub(crate) fn certified_pair_with(of_gateway: &[&str], flags: &[&str]) -> (Gateway, PusherApi) {
    let own = link_flags("gateway", "authority");
    let gateway = Gateway::start_at(local(), &[&refs(&own)[..], of_gateway].concat());
    let ours = [&link_flags("pusher-api", "authority")[..], &[gateway_flag(&gateway)]].concat();
    let pusher = PusherApi::start(&[], &[&refs(&ours)[..], flags].concat());
    (gateway, pusher)
}
