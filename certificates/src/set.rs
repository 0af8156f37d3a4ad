//! Certificates among which a client chooses by the name it asks for.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{
    pki_types::CertificateDer,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use settings::ConfigError;
use tracing::warn;

use crate::{pair::Pair, validity::not_after};

/// Certificates with their keys, the first of them for who asks for none of their names.
#[derive(Debug)]
pub struct CertificateSet {
    all: Vec<Arc<CertifiedKey>>,
    /// Places in `all`, by a name in lower case; names like `*.example.com` stand as they are.
    by_name: HashMap<String, Vec<usize>>,
    expiries: Vec<Expiry>,
}

/// Until when a certificate is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Its file.
    pub file: PathBuf,
    /// The end, since 1970.
    pub not_after: Duration,
}

impl Expiry {
    /// That of a certificate of this pair; says in the log if it has passed.
    pub(crate) fn of(pair: &Pair, certificate: &CertificateDer<'_>) -> Option<Self> {
        let (file, not_after) = (pair.cert.clone(), not_after(certificate)?);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if not_after < now {
            warn!(file = %file.display(), "certificate has expired: peers will refuse it");
        }
        Some(Self { file, not_after })
    }
}

impl CertificateSet {
    /// Reads them; says in the log which ones have expired.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub(crate) fn read(pairs: &[Pair]) -> Result<Self, ConfigError> {
        let mut set = Self { all: Vec::new(), by_name: HashMap::new(), expiries: Vec::new() };
        for pair in pairs {
            let key = pair.read()?;
            if let Some(certificate) = key.cert.first() {
                set.add(certificate, pair);
            }
            set.all.push(Arc::new(key));
        }
        Ok(set)
    }

    fn add(&mut self, certificate: &CertificateDer<'_>, pair: &Pair) {
        let place = self.all.len();
        if let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) {
            for name in parsed.valid_dns_names() {
                self.by_name.entry(name.to_ascii_lowercase()).or_default().push(place);
            }
        }
        self.expiries.extend(Expiry::of(pair, certificate));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Until when each is valid.
    pub fn expiries(&self) -> &[Expiry] {
        &self.expiries
    }

    /// Places of those that a name may be shown.
    fn named(&self, name: Option<&str>) -> &[usize] {
        let Some(name) = name.map(str::to_ascii_lowercase) else {
            return &[];
        };
        let exact = self.by_name.get(&name);
        let found = exact.or_else(|| {
            let (_, domain) = name.split_once('.')?;
            self.by_name.get(&format!("*.{domain}"))
        });
        found.map_or(&[], Vec::as_slice)
    }
}

impl ResolvesServerCert for CertificateSet {
    /// Among those of the name, or all where none is, the first whose key is of a kind that the client
    /// understands.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let suits =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        let named = self.named(hello.server_name()).iter().map(|place| &self.all[*place]);
        let found = named.clone().find(suits).or_else(|| self.all.iter().find(suits));
        found.or_else(|| self.all.first()).cloned()
    }
}
