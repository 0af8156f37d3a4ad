//! The little of DER (X.690) that public keys are written in.

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;

/// What kind of key it is, by the object identifiers of RFC 8017, RFC 5480 and RFC 8410.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rsa,
    P256,
    Ed25519,
    /// An elliptic curve other than P-256.
    OtherCurve,
    Other,
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Kind and key of a SubjectPublicKeyInfo (RFC 5280 section 4.1).
pub(crate) fn public_key(der: &[u8]) -> Option<(Kind, &[u8])> {
    let (info, rest) = element(SEQUENCE, der)?;
    let (algorithm, key) = element(SEQUENCE, info)?;
    let (bits, end) = element(BIT_STRING, key)?;
    let key = bits.strip_prefix(&[0])?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    Some((kind(algorithm)?, key))
}

/// Kind of the key in a PrivateKeyInfo (RFC 5958 section 2).
pub(crate) fn private_key_kind(der: &[u8]) -> Option<Kind> {
    let (info, _) = element(SEQUENCE, der)?;
    let (_version, info) = element(INTEGER, info)?;
    kind(element(SEQUENCE, info)?.0)
}

fn kind(algorithm: &[u8]) -> Option<Kind> {
    let (id, parameters) = element(OBJECT_ID, algorithm)?;
    Some(match id {
        RSA => Kind::Rsa,
        ED25519 => Kind::Ed25519,
        EC if element(OBJECT_ID, parameters)? == (P256, &[]) => Kind::P256,
        EC => Kind::OtherCurve,
        _ => Kind::Other,
    })
}

/// Content of the first element, which must be of this kind, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (length, rest) = length(rest)?;
    (*found == tag && length <= rest.len()).then(|| rest.split_at(length))
}

/// A length of at most 65,535, and what follows it.
fn length(der: &[u8]) -> Option<(usize, &[u8])> {
    match *der {
        [short, ref rest @ ..] if short < 0x80 => Some((short.into(), rest)),
        [0x81, long, ref rest @ ..] if long >= 0x80 => Some((long.into(), rest)),
        [0x82, high, low, ref rest @ ..] if high > 0 => {
            Some((usize::from(high) << 8 | usize::from(low), rest))
        }
        _ => None,
    }
}

/// An RSAPublicKey (RFC 8017 appendix A.1.1) of a modulus and an exponent, both big-endian.
pub(crate) fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let mut numbers = Vec::with_capacity(modulus.len() + exponent.len() + 12);
    write_integer(modulus, &mut numbers);
    write_integer(exponent, &mut numbers);
    let mut key = Vec::with_capacity(numbers.len() + 4);
    write_element(SEQUENCE, &numbers, &mut key);
    key
}

fn write_integer(bytes: &[u8], to: &mut Vec<u8>) {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut content = Vec::with_capacity(bytes.len() + 1);
    // A leading bit would be a sign.
    if bytes.get(start).is_none_or(|first| *first >= 0x80) {
        content.push(0);
    }
    content.extend_from_slice(&bytes[start..]);
    write_element(INTEGER, &content, to);
}

fn write_element(tag: u8, content: &[u8], to: &mut Vec<u8>) {
    to.push(tag);
    match content.len() {
        short @ 0..0x80 => to.push(short as u8),
        long @ 0x80..0x100 => to.extend([0x81, long as u8]),
        long => {
            let length = u16::try_from(long).expect("keys are shorter than 64 KiB");
            to.push(0x82);
            to.extend(length.to_be_bytes());
        }
    }
    to.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_they_are_written() {
        for length in [0, 1, 127, 128, 255, 256, 65_535] {
            let mut der = Vec::new();
            write_element(INTEGER, &vec![7; length], &mut der);
            let (content, rest) = element(INTEGER, &der).expect("an element");
            assert_eq!((content.len(), rest.len()), (length, 0), "{length}");
        }
    }

    #[test]
    fn only_one_way_to_write_a_length_is_taken() {
        for der in [
            &[2, 0x80, 0, 0][..],
            &[2, 0x81, 1, 7],
            &[2, 0x82, 0, 1, 7],
            &[2, 0x83, 0, 0, 1, 7],
            &[2, 2, 7],
            &[2],
        ] {
            assert_eq!(element(INTEGER, der), None, "{der:?}");
        }
    }

    #[test]
    fn numbers_are_written_without_sign_and_leading_zeros() {
        let cases: [(&[u8], &[u8]); 4] = [
            (&[1], &[2, 1, 1]),
            (&[0, 0, 0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[], &[2, 1, 0]),
        ];
        for (number, expected) in cases {
            let mut der = Vec::new();
            write_integer(number, &mut der);
            assert_eq!(der, expected, "{number:?}");
        }
    }
}
