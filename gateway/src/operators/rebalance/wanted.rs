//! What the body of `POST /v1/rebalance` says.

use protocol::problem::{Problem, excerpt};
use serde_json::{Map, Value};

/// The most bytes of a body.
pub(crate) const MAX_BODY_BYTES: usize = 4096;
/// Sessions a second where nothing is said.
const USUAL_RATE: u32 = 500;
/// The most sessions a second that can be asked for.
const MOST: u32 = 1_000_000;

/// How many sessions are to be asked to come back, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wanted {
    /// The share of those there are, above 0 and up to 1.
    pub share: f64,
    /// Sessions a second at the most.
    pub rate: u32,
}

impl Wanted {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 if it is not JSON, 422 with the pointer to what is wrong.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Problem> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            Problem::new(400, "Invalid JSON", format!("the body is not JSON: {error}"))
        })?;
        let Value::Object(fields) = value else {
            return Err(invalid("", r#"give an object like {"share":0.05,"rate":500}"#));
        };
        if let Some(strange) = fields.keys().find(|key| !matches!(key.as_str(), "share" | "rate")) {
            let detail = format!("{} is not known; give share and rate", excerpt(strange));
            // RFC 6901, section 3.
            let escaped = excerpt(strange).replace('~', "~0").replace('/', "~1");
            return Err(invalid(&format!("/{escaped}"), detail));
        }
        Ok(Self { share: share(&fields)?, rate: rate(&fields)? })
    }
}

fn share(fields: &Map<String, Value>) -> Result<f64, Problem> {
    let share = fields.get("share").and_then(Value::as_f64);
    share.filter(|share| *share > 0.0 && *share <= 1.0).ok_or_else(|| {
        invalid("/share", "give the share of sessions, a number above 0 and up to 1, like 0.05")
    })
}

fn rate(fields: &Map<String, Value>) -> Result<u32, Problem> {
    let Some(rate) = fields.get("rate") else { return Ok(USUAL_RATE) };
    let rate = rate.as_u64().and_then(|rate| u32::try_from(rate).ok());
    rate.filter(|rate| (1..=MOST).contains(rate)).ok_or_else(|| {
        let detail = format!("give sessions a second, a whole number from 1 to {MOST}");
        invalid("/rate", detail)
    })
}

fn invalid(pointer: &str, detail: impl Into<String>) -> Problem {
    Problem::new(422, "Invalid rebalance", detail).at(pointer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_and_a_rate_are_read() {
        for (body, share, rate) in [
            (r#"{"share":0.05,"rate":500}"#, 0.05, 500),
            (r#"{"share":1}"#, 1.0, USUAL_RATE),
            ("\u{feff}{\"rate\":1,\"share\":1e-3}", 0.001, 1),
        ] {
            assert_eq!(Wanted::read(body.as_bytes()), Ok(Wanted { share, rate }), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (body, status, pointer) in [
            ("", 400, None),
            ("{", 400, None),
            ("[]", 422, Some("")),
            ("{}", 422, Some("/share")),
            (r#"{"rate":500}"#, 422, Some("/share")),
            (r#"{"share":0}"#, 422, Some("/share")),
            (r#"{"share":1.01}"#, 422, Some("/share")),
            (r#"{"share":-1}"#, 422, Some("/share")),
            (r#"{"share":"0.1"}"#, 422, Some("/share")),
            (r#"{"share":null}"#, 422, Some("/share")),
            (r#"{"share":0.1,"rate":0}"#, 422, Some("/rate")),
            (r#"{"share":0.1,"rate":1.5}"#, 422, Some("/rate")),
            (r#"{"share":0.1,"rate":1000001}"#, 422, Some("/rate")),
            (r#"{"share":0.1,"rate":null}"#, 422, Some("/rate")),
            (r#"{"share":0.1,"rat":5}"#, 422, Some("/rat")),
            (r#"{"share":0.1,"a/b~c":5}"#, 422, Some("/a~1b~0c")),
        ] {
            let problem = Wanted::read(body.as_bytes()).expect_err(body);
            assert_eq!((problem.status, problem.pointer.as_deref()), (status, pointer), "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body: Vec<u8>) {
            if let Err(problem) = Wanted::read(&body) {
                prop_assert!(matches!(problem.status, 400 | 422));
            }
        }
    }
}
