//! Certificates and keys for TLS: from files to configurations of rustls, kept up to date.
//!
//! What is read is a [`Source`]: [`ServerSource`] for a listener, with the certificates of clients
//! checked where [`ServerSource::clients_signed_by`] says so, or [`ClientSource`] for who connects. A
//! [`Kept`] holds what was read last and was good; [`Kept::keep`] has it read again when a file changes
//! or somebody asks for it. [`CertificateArgs`] are the flags `--tls-cert` and `--tls-key`,
//! [`LinkTlsArgs`] those of the link, [`TargetTlsArgs`] those of commands that connect to servers. Why a
//! handshake fails is a [`Cause`].
//!
//! The cryptography is graviola's, as that of tokens. A module imports only what is declared after it.

mod args;
mod link_args;
mod target_args;

mod client;
mod server;

mod kept;

mod set;

mod authorities;
mod pair;

mod files;

mod anybody;

mod provider;
mod validity;

mod cause;
mod name;

pub use self::{
    args::CertificateArgs,
    authorities::Authorities,
    cause::{Cause, explain, explain_io},
    client::{Client, ClientSource},
    kept::{Kept, ReadAgain, Source},
    link_args::{LINK_SOURCE, LinkTlsArgs},
    name::server_name,
    pair::{CERT_FLAG, KEY_FLAG, Pair},
    provider::provider,
    server::{Server, ServerSource},
    set::{CertificateSet, Expiry},
    target_args::{Inside, TargetTlsArgs},
    validity::not_after,
};
pub use rustls;
