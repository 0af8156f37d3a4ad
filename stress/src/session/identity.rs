//! Who the sessions are.

use std::time::Duration;

use protocol::{Device, clock};
use serde::{Deserialize, Serialize};
use settings::{ConfigError, Secret};

use crate::settings::sessions::Sessions;

/// Tokens outlive the run by this.
const TOKEN_SLACK: Duration = Duration::from_secs(24 * 3600);

/// Who the sessions are.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// User ids are this and the session's number.
    pub user_prefix: String,
    /// The device in the tokens.
    pub device: Device,
    /// Signs the tokens; none means development.
    pub secret: Option<String>,
    /// When the tokens expire, in seconds since the epoch.
    pub expires: u64,
}

impl Identity {
    /// What the flags say of them.
    ///
    /// # Errors
    /// User ids that are none, a secret that cannot be read.
    pub(crate) fn new(sessions: &Sessions) -> Result<Self, ConfigError> {
        let user = format!("{}{}", sessions.user_prefix, sessions.sessions);
        protocol::ids::check_name(&user).map_err(|error| {
            let problem = format!("makes the user id {user:?}, which {error}");
            ConfigError::new("--user-prefix", problem, "give a shorter one, like u")
        })?;
        let file = sessions.token_secret_file.as_deref();
        let secret = Secret::load("token-secret", sessions.token_secret.as_ref(), file)?;
        Ok(Self {
            user_prefix: sessions.user_prefix.clone(),
            device: sessions.device.clone(),
            secret: secret.map(|secret| secret.expose().to_owned()),
            expires: (clock::since_epoch() + TOKEN_SLACK + sessions.hold.unwrap_or_default())
                .as_secs(),
        })
    }
}
