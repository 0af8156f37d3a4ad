//! Until when a certificate is valid: the little of DER (X.690) that stands in front of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity (RFC 5280 section 4.1.2.5), since 1970; nothing for what is no
/// certificate.
pub fn not_after(certificate: &[u8]) -> Option<Duration> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    if fields.first() == Some(&VERSION) {
        (_, _, fields) = element(fields)?;
    }
    // Serial number, algorithm of the signature, issuer.
    for _ in 0..3 {
        (_, _, fields) = element(fields)?;
    }
    let (SEQUENCE, validity, _) = element(fields)? else {
        return None;
    };
    let (_, _, after_begin) = element(validity)?;
    let (kind, text, _) = element(after_begin)?;
    time(kind, std::str::from_utf8(text).ok()?)
}

fn time(kind: u8, text: &str) -> Option<Duration> {
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (kind, digits.len()) {
        // Two digits stand for 1950 to 2049.
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at(2);
            let century = if year < "50" { "20" } else { "19" };
            (format!("{century}{year}"), rest)
        }
        (GENERALIZED_TIME, 14) => (digits[..4].to_owned(), &digits[4..]),
        _ => return None,
    };
    let part = |place: usize| &rest[2 * place..2 * place + 2];
    let [month, day, hour, minute, second] = [0, 1, 2, 3, 4].map(part);
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    let time: SystemTime = humantime::parse_rfc3339(&text).ok()?;
    time.duration_since(UNIX_EPOCH).ok()
}

/// Tag and content of the first element, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), &rest[2..]),
        _ => return None,
    };
    (length <= rest.len()).then(|| (tag, &rest[..length], &rest[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_time_are_read() {
        let cases = [
            (UTC_TIME, "700101000001Z", Some(1)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "500101000000Z", None),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "205001010000Z", None),
            (UTC_TIME, "7001010000é1Z", None),
            (UTC_TIME, "700101000001", None),
            (0x13, "700101000001Z", None),
        ];
        for (kind, text, expected) in cases {
            assert_eq!(time(kind, text), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn what_is_cut_short_is_no_certificate() {
        for der in [&[][..], &[SEQUENCE], &[SEQUENCE, 0x82, 1], &[SEQUENCE, 2, SEQUENCE, 0]] {
            assert_eq!(not_after(der), None, "{der:?}");
        }
    }
}
