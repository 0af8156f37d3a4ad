//! The scripts, and in which slot each call is.

use sha1_smol::Sha1;

/// A script, and the name that servers know it by.
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) sha: String,
}

impl Script {
    fn new(parts: &[&str]) -> Self {
        let text = parts.concat();
        let sha = Sha1::from(&text).digest().to_string();
        Self { text, sha }
    }
}

macro_rules! scripts {
    ($($name:ident: $($file:literal)+;)*) => {
        /// All of them.
        pub(crate) struct Scripts { $(pub(crate) $name: Script),* }

        impl Scripts {
            pub(crate) fn new() -> Self {
                Self { $($name: Script::new(&[$(include_str!(concat!("scripts/", $file, ".lua"))),+])),* }
            }
        }
    };
}

scripts! {
    append: "partition" "log" "append";
    read: "partition" "log" "read";
    begin: "partition" "log" "begin";
    acknowledge: "partition" "log" "acknowledge";
    forget: "partition" "log" "forget";
    standing: "partition" "log" "standing";
    expire: "partition" "log" "expire";
    changed: "partition" "changed";
    due: "partition" "due";
    claim: "claim";
}

/// The slot of a key: CRC-16/XMODEM of what stands between its first braces.
pub(crate) fn slot(key: &str) -> usize {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let hashed = tag.map_or(key, |(tag, _)| tag);
    let crc = hashed.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    });
    usize::from(crc) % 16_384
}

#[test]
fn slots_are_those_of_the_specification() {
    assert_eq!((slot("123456789"), slot("a{123456789}b")), (0x31c3, 0x31c3));
}
