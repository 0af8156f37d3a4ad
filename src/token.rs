//! `holdfast token`: a JWT for trying things out.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use protocol::{Device, Topic, TopicPattern, UserId, claims::Claims, clock};
use settings::{ConfigError, Secret, units::positive_duration};
use tokens::Signer;

use crate::serve::refuse;

/// The flags of `holdfast token`.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// User id (the `sub` claim)
    #[arg(long, value_name = "ID")]
    user: UserId,
    /// Secret that the gateway has as --jwt-secret
    #[arg(long, value_name = "SECRET")]
    secret: Option<Secret>,
    /// File with that secret
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Private key (PEM) to sign with instead, whose public key the gateway has
    #[arg(long, value_name = "FILE")]
    private_key: Option<PathBuf>,
    /// Id of that key in the gateway's key set (the `kid` of the header)
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// How long the token is valid
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "1h")]
    ttl: Duration,
    /// Device name: a newer session of the same device replaces an older one
    #[arg(long, value_name = "NAME")]
    device: Option<Device>,
    /// Topic that the session is subscribed to from the start
    #[arg(long, value_name = "TOPIC", value_delimiter = ',')]
    topic: Vec<Topic>,
    /// Topic that the client may subscribe to, or the beginning of such topics and `*`
    #[arg(long, value_name = "TOPIC|PREFIX*", value_delimiter = ',')]
    subscribe: Vec<TopicPattern>,
    /// Who made the token (the `iss` claim)
    #[arg(long, value_name = "TEXT")]
    issuer: Option<String>,
    /// Whom it is for (the `aud` claim)
    #[arg(long, value_name = "TEXT")]
    audience: Vec<String>,
}

/// Prints a token.
pub(crate) fn print(settings: &Settings) -> ExitCode {
    if !tokens::is_cpu_supported() {
        eprintln!("error: this processor lacks instructions that tokens are signed with");
        return ExitCode::FAILURE;
    }
    let signer = match settings.signer() {
        Ok(signer) => signer,
        Err(error) => return refuse(&error),
    };
    match signer.sign(&settings.claims()) {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Settings {
    fn signer(&self) -> Result<Signer, ConfigError> {
        let secret = Secret::load("secret", self.secret.as_ref(), self.secret_file.as_deref())?;
        let signer = match (secret, &self.private_key) {
            (Some(secret), None) => Signer::secret(secret.expose().as_bytes()),
            (None, Some(file)) => {
                let wrong = |problem| {
                    let problem = format!("{}: {problem}", file.display());
                    ConfigError::new("--private-key", problem, "name a PEM file with one key")
                };
                let text =
                    std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
                Signer::private_key(&text).map_err(|error| wrong(error.to_string()))?
            }
            (given, _) => {
                let problem = if given.is_some() { "given with --private-key" } else { "missing" };
                let expected = "give the gateway's --jwt-secret, or a --private-key";
                return Err(ConfigError::new("--secret", problem, expected));
            }
        };
        Ok(match &self.key_id {
            Some(id) => signer.with_key_id(id),
            None => signer,
        })
    }

    fn claims(&self) -> Claims {
        let exp = (clock::since_epoch() + self.ttl).as_secs();
        Claims {
            device: self.device.clone(),
            topics: self.topic.clone(),
            subscribe: self.subscribe.clone(),
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            ..Claims::new(self.user.clone(), exp)
        }
    }
}
