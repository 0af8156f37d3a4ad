//! What can be set about who clients are, and what they may do.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use settings::{
    Secret,
    units::{duration, positive_duration},
};

/// The flags about clients' tokens.
#[derive(Debug, Clone, Args)]
pub(crate) struct KeySettings {
    /// Secret that clients' HS256 tokens are signed with: 32 bytes or more
    #[arg(long, value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<Secret>,

    /// File with that secret
    #[arg(long, value_name = "FILE")]
    pub jwt_secret_file: Option<PathBuf>,

    /// Public key (PEM) that clients' RS256, ES256 or EdDSA tokens are checked with
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    pub jwt_public_key: Vec<PathBuf>,

    /// JSON Web Key Set that clients' tokens are checked with: a file, or a URL (https, or http on
    /// loopback)
    #[arg(long, value_name = "FILE|URL")]
    pub jwks: Option<String>,

    /// How often a key set is fetched again from its URL
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "5m")]
    pub jwks_refresh: Duration,

    /// Who tokens must be made by (`iss`); of several each will do
    #[arg(long, value_name = "TEXT")]
    pub jwt_issuer: Vec<String>,

    /// Whom tokens must be for (`aud`); of several each will do
    #[arg(long, value_name = "TEXT")]
    pub jwt_audience: Vec<String>,

    /// How far the clock of who makes tokens may be from this one's, for `exp` and `nbf`
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    pub jwt_leeway: Duration,

    /// Memory for tokens that were checked within the last minute; 0B to check each anew
    #[arg(
        long,
        value_name = "SIZE",
        value_parser = settings::units::size,
        default_value = "16MiB"
    )]
    pub token_memory: usize,

    /// Topics that clients may subscribe to: those their token names, any, or none [default: token;
    /// any where there are no keys]
    #[arg(long, value_name = "WHICH")]
    pub client_subscribe: Option<ClientSubscribe>,
}

/// Which topics a client may subscribe to by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ClientSubscribe {
    /// Those that its token's `subscribe` and `topics` name.
    Token,
    /// Any.
    Any,
    /// None but those of its token's `topics`, which it has from the start.
    None,
}

impl KeySettings {
    /// Whether clients need a token.
    pub(crate) fn is_given(&self) -> bool {
        self.jwt_secret.is_some()
            || self.jwt_secret_file.is_some()
            || !self.jwt_public_key.is_empty()
            || self.jwks.is_some()
    }

    /// Which topics clients may subscribe to.
    pub(crate) fn client_subscribe(&self) -> ClientSubscribe {
        let usual = if self.is_given() { ClientSubscribe::Token } else { ClientSubscribe::Any };
        self.client_subscribe.unwrap_or(usual)
    }
}
