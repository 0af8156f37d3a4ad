//! What a proxy says of a connection in front of all else: the binary header of the PROXY protocol
//! (version 2, `proxy-protocol.txt` of HAProxy, section 2.2).

use std::{
    io::{self, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream},
};

use crate::http::client_address::ClientAddress;

/// The most bytes of a header, with what a proxy says beside the addresses, such as names of certificates.
/// The protocol asks for 536.
pub const MAX_HEADER_BYTES: usize = 4096;

/// What every header begins with; nothing else that is spoken here does.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, version and command, family, and length of the rest.
const FIXED_BYTES: usize = 16;
/// What the header that is text begins with (section 2.1).
const TEXT: &[u8] = b"PROXY ";

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOn {
    /// The connection is the proxy's own, such as a check whether somebody is here.
    Own,
    /// It is somebody's who has no address that the protocol knows.
    Unknown,
    /// It is this client's.
    For(ClientAddress),
}

/// How many bytes more can be read of a header that has begun so and is not whole, without any of those that
/// stand behind it; at least one.
fn missing(begun: &[u8]) -> usize {
    let rest =
        begun.get(14..FIXED_BYTES).map_or(0, |it| usize::from(u16::from_be_bytes([it[0], it[1]])));
    (FIXED_BYTES + rest).saturating_sub(begun.len()).max(1)
}

/// Reads on in a header of which these are the first words, and nothing of what stands behind it: where TLS is
/// spoken, records begin there.
///
/// # Errors
/// The socket's.
pub(super) fn read_header(
    mut socket: &TcpStream,
    words: &[u8],
    bytes: &mut [u8],
) -> io::Result<usize> {
    let room = missing(words).min(bytes.len());
    socket.read(&mut bytes[..room])
}

/// How far a connection is that has to begin with a header.
pub(super) enum Begun {
    /// It has; what follows is the client's.
    Whole,
    /// It may.
    Part,
    /// It has not, and is to go.
    Wrong,
}

/// Why what has come is not taken for a header; more of it would not change that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHeader {
    /// There is none.
    #[error("it does not begin with a PROXY header; have the proxy send one of version 2")]
    Missing,
    /// It is the one that is text.
    #[error("it begins with a PROXY header of version 1; have the proxy send version 2")]
    Version1,
    /// It says what cannot be.
    #[error("its PROXY header cannot be read")]
    Malformed,
    /// It is longer than [`MAX_HEADER_BYTES`].
    #[error("its PROXY header is longer than {MAX_HEADER_BYTES} bytes")]
    TooLong,
}

impl NoHeader {
    /// The label of the metric.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "no_header",
            Self::Version1 => "version_1",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
        }
    }
}

/// The header that `bytes` begin with, and how many of them it takes; none while it is incomplete.
///
/// # Errors
/// They begin with something else.
pub fn proxy_header(bytes: &[u8]) -> Result<Option<(PassedOn, usize)>, NoHeader> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes[..known] != SIGNATURE[..known] {
        let begun = bytes.len().min(TEXT.len());
        return match bytes[..begun] == TEXT[..begun] {
            true if begun == TEXT.len() => Err(NoHeader::Version1),
            true => Ok(None),
            false => Err(NoHeader::Missing),
        };
    }
    let Some((fixed, rest)) = bytes.split_at_checked(FIXED_BYTES) else { return Ok(None) };
    let (version_and_command, family) = (fixed[12], fixed[13]);
    let is_own = match version_and_command {
        0x20 => true,
        0x21 => false,
        _ => return Err(NoHeader::Malformed),
    };
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if FIXED_BYTES + length > MAX_HEADER_BYTES {
        return Err(NoHeader::TooLong);
    }
    let Some(said) = rest.get(..length) else { return Ok(None) };
    let passed_on = if is_own { PassedOn::Own } else { source(family, said)? };
    Ok(Some((passed_on, FIXED_BYTES + length)))
}

/// Whose the connection is, by the addresses of a family; what stands behind them is passed over.
fn source(family: u8, said: &[u8]) -> Result<PassedOn, NoHeader> {
    let found = match family {
        // TCP over IPv4: two addresses, two ports.
        0x11 => said.first_chunk::<12>().map(|it| {
            let ip = IpAddr::V4(Ipv4Addr::from([it[0], it[1], it[2], it[3]]));
            PassedOn::For(ClientAddress::new(ip, u16::from_be_bytes([it[8], it[9]])))
        }),
        // TCP over IPv6, likewise.
        0x21 => said.first_chunk::<36>().map(|it| {
            let mut address = [0; 16];
            address.copy_from_slice(&it[..16]);
            let ip = IpAddr::V6(Ipv6Addr::from(address));
            PassedOn::For(ClientAddress::new(ip, u16::from_be_bytes([it[32], it[33]])))
        }),
        // Unspecified; a socket of the proxy's machine, whose names are 108 bytes each.
        0x00 => Some(PassedOn::Unknown),
        0x31 => (said.len() >= 216).then_some(PassedOn::Unknown),
        // Datagrams, and what nobody has defined.
        _ => None,
    };
    found.ok_or(NoHeader::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(command: u8, family: u8, said: &[u8]) -> Vec<u8> {
        let length = u16::try_from(said.len()).expect("short").to_be_bytes();
        [SIGNATURE, &[command, family], &length, said].concat()
    }

    fn of_v4() -> Vec<u8> {
        [&[192, 0, 2, 1, 10, 0, 0, 1][..], &4711_u16.to_be_bytes(), &443_u16.to_be_bytes()].concat()
    }

    fn of_v6() -> Vec<u8> {
        let [from, to] = ["2001:db8::1", "fd00::1"].map(|it| it.parse::<Ipv6Addr>().expect(it));
        [&from.octets()[..], &to.octets(), &4711_u16.to_be_bytes(), &443_u16.to_be_bytes()].concat()
    }

    fn is_for(address: &str) -> PassedOn {
        PassedOn::For(ClientAddress::read(address).expect(address))
    }

    #[test]
    fn a_header_says_whose_the_connection_is() {
        let more = |said: Vec<u8>| [said, vec![4, 0, 200], vec![b'x'; 200]].concat();
        let cases = [
            (0x21, 0x11, of_v4(), is_for("192.0.2.1:4711")),
            (0x21, 0x11, more(of_v4()), is_for("192.0.2.1:4711")),
            (0x21, 0x21, of_v6(), is_for("[2001:db8::1]:4711")),
            (0x21, 0x21, more(of_v6()), is_for("[2001:db8::1]:4711")),
            (0x21, 0x00, vec![], PassedOn::Unknown),
            (0x21, 0x00, vec![1; 50], PassedOn::Unknown),
            (0x21, 0x31, vec![0; 216], PassedOn::Unknown),
            (0x20, 0x00, vec![], PassedOn::Own),
            (0x20, 0x11, of_v4(), PassedOn::Own),
        ];
        for (command, family, said, expected) in cases {
            let bytes = header(command, family, &said);
            let found = proxy_header(&[&bytes[..], b"GET / HTTP/1.1"].concat());
            assert_eq!(found, Ok(Some((expected, bytes.len()))), "{command:x} {family:x}");
        }
    }

    #[test]
    fn what_is_no_header_is_told_apart() {
        let long = header(0x21, 0x11, &[0; MAX_HEADER_BYTES - FIXED_BYTES + 1]);
        let cases = [
            (b"GET /v1/ws HTTP/1.1\r\n".to_vec(), NoHeader::Missing),
            (b"\r\n\r\nGET".to_vec(), NoHeader::Missing),
            (b"{\"type\":\"connect\"}\n".to_vec(), NoHeader::Missing),
            (b"POST / HTTP/1.1".to_vec(), NoHeader::Missing),
            (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n".to_vec(), NoHeader::Version1),
            (header(0x11, 0x11, &of_v4()), NoHeader::Malformed),
            (header(0x22, 0x11, &of_v4()), NoHeader::Malformed),
            (header(0x21, 0x12, &of_v4()), NoHeader::Malformed),
            (header(0x21, 0x11, &of_v4()[..11]), NoHeader::Malformed),
            (header(0x21, 0x21, &of_v4()), NoHeader::Malformed),
            (header(0x21, 0x31, &[0; 215]), NoHeader::Malformed),
            // By its length alone: nothing is kept for it.
            (long[..FIXED_BYTES].to_vec(), NoHeader::TooLong),
        ];
        for (bytes, expected) in cases {
            assert_eq!(proxy_header(&bytes), Err(expected), "{bytes:?}");
        }
        assert_eq!(proxy_header(b"PRO"), Ok(None));
        assert_eq!(proxy_header(b""), Ok(None));
    }

    #[test]
    fn what_is_missing_ends_where_the_header_does() {
        for said in [vec![], of_v4(), vec![7; MAX_HEADER_BYTES - FIXED_BYTES]] {
            let bytes = [header(0x20, 0, &said), b"\x16\x03\x01".to_vec()].concat();
            let mut read = 0;
            while proxy_header(&bytes[..read]) == Ok(None) {
                read += missing(&bytes[..read]);
            }
            assert_eq!(read, FIXED_BYTES + said.len());
        }
        assert_eq!(
            (missing(b""), missing(SIGNATURE)),
            (FIXED_BYTES, FIXED_BYTES - SIGNATURE.len())
        );
    }

    proptest! {
        #[test]
        fn pieces_say_the_same_as_the_whole(
            command in 0x1f_u8..0x23, family: u8, said in prop::collection::vec(any::<u8>(), 0..60), step in 1_usize..9
        ) {
            let bytes = header(command, family, &said);
            let whole = proxy_header(&bytes);
            let ends = (0..bytes.len() + step).step_by(step).map(|end| end.min(bytes.len()));
            let mut in_pieces = ends.map(|end| proxy_header(&bytes[..end]));
            prop_assert_eq!(in_pieces.find(|it| *it != Ok(None)).unwrap_or(Ok(None)), whole);
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            if let Ok(Some((_, used))) = proxy_header(&bytes) {
                prop_assert!(used <= bytes.len());
            }
        }
    }
}
