//! `holdfast token`: a JWT for trying things out.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use protocol::{Device, Topic, UserId, claims::Claims, clock};
use settings::{Secret, units::positive_duration};

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
    secret_file: Option<std::path::PathBuf>,
    /// How long the token is valid
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "1h")]
    ttl: Duration,
    /// Device name: a newer session of the same device replaces an older one
    #[arg(long, value_name = "NAME")]
    device: Option<Device>,
    /// Topic that the session is subscribed to from the start
    #[arg(long, value_name = "TOPIC", value_delimiter = ',')]
    topic: Vec<Topic>,
}

/// Prints a token.
pub(crate) fn print(settings: &Settings) -> ExitCode {
    let secret =
        match Secret::load("secret", settings.secret.as_ref(), settings.secret_file.as_deref()) {
            Ok(Some(secret)) => secret,
            Ok(None) => {
                let expected = "give the gateway's --jwt-secret";
                return refuse(&settings::ConfigError::new("--secret", "missing", expected));
            }
            Err(error) => return refuse(&error),
        };
    let claims = Claims {
        sub: settings.user.clone(),
        exp: (clock::since_epoch() + settings.ttl).as_secs(),
        device: settings.device.clone(),
        topics: settings.topic.clone(),
    };
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    match encode(&Header::new(Algorithm::HS256), &claims, &key) {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: cannot sign the token: {error}");
            ExitCode::FAILURE
        }
    }
}
