//! Who the sessions are.

use std::{fs, path::Path, time::Duration};

use protocol::{Device, Topic, clock};
use serde::{Deserialize, Serialize};
use settings::{ConfigError, Secret};
use tokens::Signer;

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
    /// The topic in the tokens.
    pub topic: Option<Topic>,
    /// Signs the tokens; none means development.
    pub signing: Option<Signing>,
    /// When the tokens expire, in seconds since the epoch.
    pub expires: u64,
}

/// What tokens are signed with.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Signing {
    /// A secret.
    Secret(String),
    /// A private key, as PEM.
    PrivateKey(String),
}

impl Signing {
    /// What the flags say; none where there shall be no tokens.
    fn of(sessions: &Sessions) -> Result<Option<Self>, ConfigError> {
        let file = sessions.token_secret_file.as_deref();
        let secret = Secret::load("token-secret", sessions.token_secret.as_ref(), file)?;
        match (secret, &sessions.token_private_key) {
            (None, None) => Ok(None),
            (Some(secret), None) => Ok(Some(Self::Secret(secret.expose().to_owned()))),
            (None, Some(file)) => Self::private_key(file).map(Some),
            (Some(_), Some(_)) => {
                let problem = "is given beside a secret";
                let right = "give one of --token-secret, --token-secret-file and this";
                Err(ConfigError::new("--token-private-key", problem, right))
            }
        }
    }

    fn private_key(file: &Path) -> Result<Self, ConfigError> {
        let wrong = |problem: String| {
            let right = "give a file with a private key in PEM";
            let problem = format!("{}: {problem}", file.display());
            ConfigError::new("--token-private-key", problem, right)
        };
        let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        Signer::private_key(&text).map_err(|error| wrong(error.to_string()))?;
        Ok(Self::PrivateKey(text))
    }

    /// Signs with it.
    pub(crate) fn signer(&self) -> Signer {
        match self {
            Self::Secret(secret) => Signer::secret(secret.as_bytes()),
            Self::PrivateKey(text) => Signer::private_key(text).expect("it was read before"),
        }
    }
}

impl Identity {
    /// What the flags say of them.
    ///
    /// # Errors
    /// User ids that are none, a secret or key that cannot be read.
    pub(crate) fn new(sessions: &Sessions) -> Result<Self, ConfigError> {
        let user = format!("{}{}", sessions.user_prefix, sessions.sessions);
        protocol::ids::check_name(&user).map_err(|error| {
            let problem = format!("makes the user id {user:?}, which {error}");
            ConfigError::new("--user-prefix", problem, "give a shorter one, like u")
        })?;
        let signing = Signing::of(sessions)?;
        if sessions.topic.is_some() && signing.is_none() {
            let problem = "is in tokens, and there are none";
            return Err(ConfigError::new("--topic", problem, "give --token-secret, too"));
        }
        Ok(Self {
            user_prefix: sessions.user_prefix.clone(),
            device: sessions.device.clone(),
            topic: sessions.topic.clone(),
            signing,
            expires: (clock::since_epoch() + TOKEN_SLACK + sessions.hold.unwrap_or_default())
                .as_secs(),
        })
    }
}
