//! The cryptography that TLS is done with.

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use settings::ConfigError;

/// Made once: a configuration holds a reference to it.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls_graviola::default_provider())))
}

/// Whether this machine's processor can do it.
///
/// # Errors
/// It lacks instructions, which would end the process at the first handshake.
pub(crate) fn check_processor(flag: &str) -> Result<(), ConfigError> {
    if graviola::util::is_cpu_supported() {
        return Ok(());
    }
    let problem = "this processor lacks instructions that TLS is done with";
    let expected =
        "x86-64 needs AES, AVX2, BMI2, ADX and PCLMULQDQ; AArch64 needs AES, SHA-2 and PMULL";
    Err(ConfigError::new(flag, problem, expected))
}
