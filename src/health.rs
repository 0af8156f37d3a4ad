//! `holdfast health`: asks a running process whether it is well, for images without curl.

use std::{error::Error, process::ExitCode, time::Duration};

use clap::Args;
use settings::{ConfigError, Endpoint, units::positive_duration};

use crate::{agent::agent, serve::refuse};

/// Health is said in a line; a longer answer, in bytes, comes from something else.
const LONGEST_ANSWER: u64 = 4096;

/// The flags of `holdfast health`. There is no file: in a container the variables are the server's,
/// and the server's file has keys that mean nothing here.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Health or readiness of a gateway or pusher-api, like http://127.0.0.1:8090/readyz; at https:// any
    /// certificate will do, as for the probes of Kubernetes
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8082/healthz")]
    url: Endpoint,
    /// How long the answer may take
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "3s")]
    timeout: Duration,
}

/// Prints what the process answers; exits with 0 if it is well, with 1 if not.
pub(crate) fn ask(settings: &Settings) -> ExitCode {
    if let Err(error) = settings.check() {
        return refuse(&error);
    }
    match settings.answer() {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}: {error}", settings.url);
            ExitCode::FAILURE
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), ConfigError> {
        let one_port = self.url.ports.start() == self.url.ports.end();
        let is_http = matches!(self.url.scheme.as_str(), "http" | "https");
        match is_http && one_port && *self.url.ports.start() > 0 {
            true => Ok(()),
            false => {
                let problem = format!("{} is not the address of one server", self.url);
                let expected = "write a URL like http://127.0.0.1:8082/healthz";
                Err(ConfigError::new("--url", problem, expected))
            }
        }
    }

    fn answer(&self) -> Result<String, Box<dyn Error>> {
        let mut answer = agent(self.timeout).get(self.url.to_string()).call()?;
        let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string()?;
        match answer.status().as_u16() {
            200 => Ok(text.trim_end().to_owned()),
            status => Err(format!("answered {status}: {}", text.trim_end()).into()),
        }
    }
}
