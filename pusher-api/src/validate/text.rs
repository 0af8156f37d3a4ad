//! Texts of a push: borrowed from the request unless they contain escapes.

use std::{borrow::Cow, fmt};

use protocol::{ids::check_name, push::MAX_COLLAPSE_KEY_BYTES};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// Any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Text<'a>(pub Cow<'a, str>);

/// A user id or a topic: 1 to 128 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'a>(Text<'a>);

/// At most 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CollapseKey<'a>(Text<'a>);

impl Name<'_> {
    /// The same apart from the body it was read from.
    pub(crate) fn detached(self) -> Name<'static> {
        Name(Text(Cow::Owned(self.0.0.into_owned())))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

impl CollapseKey<'_> {
    /// The same apart from the body it was read from.
    pub(crate) fn detached(self) -> CollapseKey<'static> {
        CollapseKey(Text(Cow::Owned(self.0.0.into_owned())))
    }

    /// The key itself.
    pub fn as_str(&self) -> &str {
        &self.0.0
    }
}

/// Reads texts, and says of anything else what it has to be.
struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        check_name(&text.0).map_err(D::Error::custom)?;
        Ok(Self(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CollapseKey<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        match text.0.len() {
            ..=MAX_COLLAPSE_KEY_BYTES => Ok(Self(text)),
            _ => Err(D::Error::custom(format!("must be at most {MAX_COLLAPSE_KEY_BYTES} bytes"))),
        }
    }
}
