//! Reads whatever somebody gives, for fuzzing.

use super::words::{Given, Taking};

/// Reads bytes as a message of either side; what can be read is written as it was read.
///
/// # Panics
/// It is not.
pub fn check(bytes: &[u8]) {
    if let Ok(given) = serde_json::from_slice::<Given>(bytes) {
        let written = serde_json::to_vec(&given).expect("records can be written");
        let again = serde_json::from_slice::<Given>(&written).expect("what was written is read");
        assert_eq!(given, again);
    }
    if let Ok(taken) = serde_json::from_slice::<Taking>(bytes) {
        let written = serde_json::to_vec(&taken).expect("words can be written");
        let again = serde_json::from_slice::<Taking>(&written).expect("what was written is read");
        assert_eq!(taken, again);
    }
}
