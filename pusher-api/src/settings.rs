//! The flags of `holdfast pusher-api`, checked before any port opens.

use std::{path::PathBuf, time::Duration};

use certificates::{CertificateArgs, ClientSource, LinkTlsArgs, ServerSource, server_name};
use clap::{Args, FromArgMatches};
use settings::{
    ConfigError, DevelopmentArgs, Endpoint, LinkSecretArgs, ListenRange, Secret,
    guard::require_guard, logging::CommonArgs, units,
};

use crate::{backends::Backends, kept_settings::KeptArgs, websocket_url::WebsocketUrl};

/// Settings of `holdfast pusher-api`.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Configuration file and logs.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Where backends reach the HTTP API; several addresses and port ranges are allowed
    #[arg(long, value_name = "IP:PORT", value_delimiter = ',', default_value = "127.0.0.1:8090")]
    pub listen: Vec<ListenRange>,
    /// Where backends reach the HTTP API inside TLS, beside --listen; several addresses and port ranges are
    /// allowed
    #[arg(long, value_name = "IP:PORT", value_delimiter = ',')]
    pub tls_listen: Vec<ListenRange>,
    /// What is shown there.
    #[command(flatten)]
    pub certificates: CertificateArgs,
    /// Operators' port of a gateway, https:// where it speaks TLS; a port range or a DNS name stands for several
    #[arg(
        long,
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8082"
    )]
    pub gateway: Vec<Endpoint>,
    /// A key that backends may present; give it several times, or several separated by commas. Scopes
    /// are push, read, events and admin, separated by commas; without them a key allows everything
    #[arg(long, value_name = "[NAME:SCOPES:]KEY", hide_env_values = true)]
    pub api_key: Vec<Secret>,
    /// File with one API key a line, written as for --api-key; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// What this process proves itself with at gateways.
    #[command(flatten)]
    pub link: LinkSecretArgs,
    /// TLS of links.
    #[command(flatten)]
    pub link_tls: LinkTlsArgs,
    /// Let anybody push, also from other machines, without API key or link secret
    #[arg(long)]
    pub insecure: bool,
    /// Development.
    #[command(flatten)]
    pub development: DevelopmentArgs,
    /// What is kept.
    #[command(flatten)]
    pub kept: KeptArgs,
    /// Bytes of pushes accepted but not acknowledged, for each gateway; above it backends get 503
    #[arg(long, value_name = "SIZE", value_parser = units::size, default_value = "64MiB")]
    pub link_queue: usize,
    /// Work with pushes to topics and to all that a gateway may have; above it backends get 503
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = units::positive_duration,
        default_value = "2s"
    )]
    pub fan_out_backlog: Duration,
    /// How long presence and queue of a lost gateway are kept while reconnecting
    #[arg(long, value_name = "DURATION", value_parser = units::duration, default_value = "5s")]
    pub link_grace: Duration,
    /// How long a gateway that its DNS name no longer lists is tried again after its link was lost
    #[arg(long, value_name = "DURATION", value_parser = units::duration, default_value = "5m")]
    pub unlisted_retry: Duration,
    /// How long a gateway may take to answer a question
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = units::positive_duration,
        default_value = "1s"
    )]
    pub gateway_timeout: Duration,
    /// Most HTTP connections; beyond it who has waited longest for its own request goes; 0 for as
    /// many as descriptors and memory allow
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_connections: usize,
    /// Most bytes of requests and large answers held at a time; beyond it who stands still longest
    /// goes, or a request gets 503; 0B for an eighth of the memory there is, at most 256MiB
    #[arg(long, value_name = "SIZE", value_parser = units::size, default_value = "0B")]
    pub request_memory: usize,
    /// Threads that serve HTTP [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,
    /// Memory for the ids of repeated pushes and their receipts; an id costs 48 bytes, for 5 minutes
    #[arg(long, value_name = "SIZE", value_parser = units::size, default_value = "64MiB")]
    pub ids_memory: usize,
    /// Most pushes that may wait for their receipts at the same time
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub pending_receipts: usize,
    /// How long requests are still taken after SIGTERM, when this process is not ready any more: until
    /// load balancers have noticed
    #[arg(long, value_name = "DURATION", value_parser = units::duration, default_value = "0s")]
    pub drain_wait: Duration,
    /// WebSocket of a gateway that the live page connects to [default: port 8080 of its host]
    #[arg(long, value_name = "URL")]
    pub page_websocket_url: Option<WebsocketUrl>,
}

impl Default for Settings {
    /// What applies when no flag, variable or file says anything.
    fn default() -> Self {
        let command = Self::augment_args(clap::Command::new("pusher-api"));
        let matches = command.get_matches_from(["pusher-api"]);
        Self::from_arg_matches(&matches).expect("every flag has a default or is optional")
    }
}

impl Settings {
    /// Checks what the parsers of single flags cannot see.
    ///
    /// # Errors
    /// Names the flag that is wrong or missing.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.gateway.iter().try_for_each(check_gateway)?;
        if self.link_queue < MIN_LINK_QUEUE {
            let problem = format!("{} bytes cannot hold a large push", self.link_queue);
            return Err(ConfigError::new("--link-queue", problem, "give at least 2MiB"));
        }
        if self.ids_memory < MIN_IDS_MEMORY {
            let problem = format!("{} bytes hold hardly any id", self.ids_memory);
            return Err(ConfigError::new("--ids-memory", problem, "give at least 64KiB"));
        }
        self.kept.validate()?;
        let (backends, secrets) = (self.backends()?, self.link.load()?);
        let has_keys = !backends.is_empty();
        let listeners = || self.listen.iter().chain(&self.tls_listen);
        if !self.insecure && !self.development.development {
            require_guard("--api-key", has_keys, listeners())?;
            require_guard("--link-secret", !secrets.is_empty(), listeners())?;
        }
        self.shown_to_backends()?;
        self.shown_to_gateways()?;
        self.development.check("--api-key", has_keys, self.insecure, listeners())
    }

    /// What backends are shown; nothing where no TLS is spoken with them.
    pub(crate) fn shown_to_backends(&self) -> Result<Option<ServerSource>, ConfigError> {
        self.certificates.for_listeners(&[("--tls-listen", !self.tls_listen.is_empty())])
    }

    /// Which gateways are believed, and what they are shown; nothing where no TLS is spoken with them.
    pub(crate) fn shown_to_gateways(&self) -> Result<Option<ClientSource>, ConfigError> {
        if self.gateway.iter().any(|gateway| gateway.scheme == TLS_SCHEME) {
            return self.link_tls.client("--gateway").map(Some);
        }
        match self.link_tls.is_given() {
            true => {
                let problem = "certificates of links are given, and no gateway is reached by TLS";
                let expected = "write a URL like https://gateway-0:8082, or leave --link-tls-… out";
                Err(ConfigError::new("--gateway", problem, expected))
            }
            false => Ok(None),
        }
    }

    /// Threads that serve HTTP.
    pub(crate) fn workers(&self) -> usize {
        let one_per_core = || std::thread::available_parallelism().map_or(1, usize::from);
        self.workers.map_or_else(one_per_core, usize::from)
    }

    /// Every API key, from the flags and from the file.
    pub(crate) fn backends(&self) -> Result<Backends, ConfigError> {
        let file = self.api_key_file.as_deref();
        let keys = Secret::load_all("api-key", &self.api_key, file)?;
        Backends::new(&keys).map_err(|error| match file {
            // What the flags alone do not do wrong, the file does.
            Some(file) if Backends::new(&self.api_key).is_ok() => {
                let problem = format!("{} {}", file.display(), error.problem);
                ConfigError::new("--api-key-file", problem, error.expected)
            }
            _ => error,
        })
    }

    /// The link secret that is shown. The others are for gateways that read the same file.
    pub(crate) fn secret(&self) -> Result<Option<Secret>, ConfigError> {
        Ok(self.link.load()?.into_iter().next())
    }
}

/// Below this, ids are forgotten as fast as they come.
const MIN_IDS_MEMORY: usize = 64 * 1024;
/// Below this, a push to 10,000 users with the largest payload could never be taken.
const MIN_LINK_QUEUE: usize = 2 * 1024 * 1024;

/// The scheme of gateways that are reached inside TLS.
const TLS_SCHEME: &str = "https";

fn check_gateway(gateway: &Endpoint) -> Result<(), ConfigError> {
    if gateway.scheme == TLS_SCHEME {
        server_name("--gateway", &gateway.host)?;
    }
    let is_http = matches!(gateway.scheme.as_str(), "http" | TLS_SCHEME);
    let usable = is_http && gateway.path.is_empty() && *gateway.ports.start() > 0;
    match usable {
        true => Ok(()),
        false => {
            let problem = format!("{gateway} is no operators' port of a gateway");
            Err(ConfigError::new(
                "--gateway",
                problem,
                "write a URL like http://gateway-0:8082, or https:// where it speaks TLS",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Settings)) -> Result<(), ConfigError> {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.validate()
    }

    /// The same in development, where no key is asked for.
    fn in_development(change: impl FnOnce(&mut Settings)) -> Result<(), ConfigError> {
        with(|settings| {
            settings.development.development = true;
            change(settings);
        })
    }

    fn secret(text: &str) -> Secret {
        text.parse().expect("any text")
    }

    #[test]
    fn a_process_has_keys_or_is_told_to_do_without() {
        let error = with(|_| ()).expect_err("anybody could push");
        assert!(error.key == "--api-key" && error.expected.contains("--development"), "{error}");
        in_development(|_| ()).expect("on purpose");
        with(|settings| settings.insecure = true).expect("on purpose");
        with(|settings| settings.api_key = vec![secret("k")]).expect("guarded");
    }

    #[test]
    fn open_listeners_need_key_and_secret() {
        let open = |settings: &mut Settings| settings.listen = vec!["0.0.0.0:0".parse().unwrap()];
        assert_eq!(with(open).expect_err("no key").key, "--api-key");
        let with_key = |settings: &mut Settings| {
            open(settings);
            settings.api_key = vec![secret("k")];
        };
        assert_eq!(with(with_key).expect_err("no secret").key, "--link-secret");
        with(|settings| {
            with_key(settings);
            settings.link.link_secret = vec![secret("s")];
        })
        .expect("guarded");
        with(|settings| {
            open(settings);
            settings.insecure = true;
        })
        .expect("insecure on purpose");
    }

    #[test]
    fn wrong_values_name_their_flag() {
        let error =
            in_development(|settings| settings.gateway = vec!["ftp://h:1".parse().unwrap()]);
        assert_eq!(error.expect_err("ftp").key, "--gateway");
        let error = in_development(|settings| settings.link_tls.link_tls_ca = Some("x".into()));
        assert_eq!(error.expect_err("no TLS").key, "--gateway");
        let error =
            in_development(|settings| settings.tls_listen = vec!["127.0.0.1:0".parse().unwrap()]);
        assert_eq!(error.expect_err("no certificate").key, "--tls-cert");
        let error =
            in_development(|settings| settings.gateway = vec!["http://h:1/x".parse().unwrap()]);
        assert_eq!(error.expect_err("path").key, "--gateway");
        let error = in_development(|settings| settings.link_queue = 1);
        assert_eq!(error.expect_err("small").key, "--link-queue");
        let error = in_development(|settings| settings.ids_memory = 1000);
        assert_eq!(error.expect_err("small").key, "--ids-memory");
        let error = in_development(|settings| settings.api_key = vec![secret("")]);
        assert_eq!(error.expect_err("empty").key, "--api-key");
        let error = in_development(|settings| settings.api_key_file = Some("/nowhere".into()));
        assert_eq!(error.expect_err("no file").key, "--api-key-file");
        let file = std::env::temp_dir().join(format!("holdfast-wrong-{}", std::process::id()));
        std::fs::write(&file, "ci:pusj:k\n").unwrap();
        let error = in_development(|settings| settings.api_key_file = Some(file.clone()));
        let error = error.expect_err("no such scope");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(error.key, "--api-key-file");
        assert!(error.problem.starts_with(&format!("{} gives", file.display())), "{error}");
    }

    #[test]
    fn key_files_have_one_key_a_line_and_the_first_link_secret_is_shown() {
        let file = std::env::temp_dir().join(format!("holdfast-keys-{}", std::process::id()));
        std::fs::write(&file, "# backends\nfirst\n\n second \n").unwrap();
        let settings = Settings {
            api_key_file: Some(file.clone()),
            link: LinkSecretArgs { link_secret_file: Some(file.clone()), ..Default::default() },
            ..Settings::default()
        };
        let backends = settings.backends().expect("two keys");
        let shown = settings.secret().expect("two secrets");
        std::fs::remove_file(file).unwrap();
        assert_eq!(shown.as_ref().map(Secret::expose), Some("first"));
        for key in ["first", "second"] {
            backends.find(Some(&format!("Bearer {key}"))).expect(key);
        }
    }
}
