//! What of JSON's grammar a client need not be able to read, found in one pass over the text.

/// Deepest nesting of a payload: an array within an array is two levels.
pub(super) const MAX_DEPTH: usize = 128;

/// Shorter numbers without an exponent are within the range of a double.
const SAFE_DIGITS: usize = 300;

/// Why clients cannot read a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// Parsers bound their recursion (RFC 8259 section 9 lets them).
    #[error("is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// A double (RFC 8259 section 6, RFC 7493 section 2.2) would be infinite.
    #[error("has a number beyond the range of a double")]
    NumberOutOfRange,
    /// Half of a surrogate pair is no character (RFC 8259 section 8.2, RFC 7493 section 2.1).
    #[error("has an escaped surrogate without its other half")]
    LoneSurrogate,
}

/// Looks for what clients cannot read in a text that keeps to JSON's grammar.
pub(super) fn check(json: &str) -> Result<(), Unreadable> {
    let bytes = json.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(bytes, at + 1)?;
                continue;
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Unreadable::TooDeep);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                at = end_of_number(json, at)?;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Behind the closing quote of the string whose first byte is here.
fn end_of_string(bytes: &[u8], mut at: usize) -> Result<usize, Unreadable> {
    while let Some(length) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += length;
        if bytes[at] == b'"' {
            return Ok(at + 1);
        }
        at = match code_unit(bytes, at) {
            Some(0xD800..=0xDBFF) => match code_unit(bytes, at + 6) {
                Some(0xDC00..=0xDFFF) => at + 12,
                Some(_) | None => return Err(Unreadable::LoneSurrogate),
            },
            Some(0xDC00..=0xDFFF) => return Err(Unreadable::LoneSurrogate),
            Some(_) => at + 6,
            None => at + 2,
        };
    }
    Ok(bytes.len())
}

/// The code unit of the escape `\uXXXX` that begins here.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Behind the number that begins here.
fn end_of_number(json: &str, start: usize) -> Result<usize, Unreadable> {
    let rest = &json.as_bytes()[start..];
    let in_number = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
    let length = rest.iter().position(|byte| !in_number(byte)).unwrap_or(rest.len());
    let number = &json[start..start + length];
    let may_be_large = length > SAFE_DIGITS || number.contains(['e', 'E']);
    match may_be_large && number.parse::<f64>().is_ok_and(f64::is_infinite) {
        true => Err(Unreadable::NumberOutOfRange),
        false => Ok(start + length),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn what_clients_cannot_read_is_named() {
        let digits = "9".repeat(400);
        let small = format!("0.{}", "0".repeat(400));
        let (deepest, deeper) = (nested(MAX_DEPTH), nested(MAX_DEPTH + 1));
        let objects = format!("{}1{}", r#"{"a":"#.repeat(129), "}".repeat(129));
        let beside = format!("[{},{}]", nested(127), nested(127));
        let cases: &[(&str, Result<(), Unreadable>)] = &[
            ("null", Ok(())),
            (r#""[[[\"[[[""#, Ok(())),
            (&deepest, Ok(())),
            (&beside, Ok(())),
            (&deeper, Err(Unreadable::TooDeep)),
            (&objects, Err(Unreadable::TooDeep)),
            ("1e308", Ok(())),
            ("-1.5E+308", Ok(())),
            ("1e-999", Ok(())),
            (&small, Ok(())),
            ("123456789012345678901234567890", Ok(())),
            ("1e999", Err(Unreadable::NumberOutOfRange)),
            (r#"{"a":[1,-1E400]}"#, Err(Unreadable::NumberOutOfRange)),
            (&digits, Err(Unreadable::NumberOutOfRange)),
            (r#""1e999""#, Ok(())),
            (r#""\ud83d\ude00""#, Ok(())),
            (r#""\uD83D\uDE00\u0041""#, Ok(())),
            (r#""\\ud83d""#, Ok(())),
            (r#""\ud83d""#, Err(Unreadable::LoneSurrogate)),
            (r#""\ud83dx\ude00""#, Err(Unreadable::LoneSurrogate)),
            (r#""\ud83d\n\ude00""#, Err(Unreadable::LoneSurrogate)),
            (r#""\ud83d\u0041""#, Err(Unreadable::LoneSurrogate)),
            (r#""\ude00\ud83d""#, Err(Unreadable::LoneSurrogate)),
            (r#"{"\udfff":1}"#, Err(Unreadable::LoneSurrogate)),
            (r#""\ud800""#, Err(Unreadable::LoneSurrogate)),
            (r#""\udbff\udfff""#, Ok(())),
        ];
        for (json, expected) in cases {
            assert_eq!(check(json), *expected, "{}", json.chars().take(40).collect::<String>());
        }
    }

    proptest! {
        /// A parser that reads doubles and characters reads the same texts.
        #[test]
        fn what_is_let_through_can_be_read(
            pieces in prop::collection::vec(prop_oneof![
                Just("\\ud83d"), Just("\\ude00"), Just("\\u0041"), Just("x"), Just("\\\\"), Just("\\\""),
            ], 0..6),
            number in "-?[1-9][0-9]{0,3}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        ) {
            let json = format!("[\"{}\",{number}]", pieces.concat());
            let readable = serde_json::from_str::<Value>(&json).is_ok();
            prop_assert_eq!(check(&json).is_ok(), readable, "{}", json);
        }
    }
}
