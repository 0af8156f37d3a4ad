//! The shape of a push's JSON, borrowed from the request.

use std::{fmt, marker::PhantomData};

use protocol::push::{MAX_TTL_SECONDS, MAX_USERS};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::text::{CollapseKey, Name, Text};

/// A push, as backends write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushBody<'a> {
    /// Who the push is for.
    #[serde(borrow, default)]
    pub to: Option<To<'a>>,
    /// The payload: any JSON value of at most 64 KiB. Exactly one of `data` and `data_base64`.
    #[serde(borrow, default, deserialize_with = "given")]
    pub data: Option<&'a RawValue>,
    /// The payload, binary: at most 64 KiB in standard base64 with padding.
    #[serde(borrow, default)]
    pub data_base64: Option<Text<'a>>,
    /// Seconds the push is kept for; 0 is for sessions online now.
    #[serde(default, deserialize_with = "time_to_live")]
    pub ttl: u32,
    /// A later push replaces an undelivered earlier one with the same key.
    #[serde(borrow, default)]
    pub collapse_key: Option<CollapseKey<'a>>,
    /// The same id twice within 5 minutes is one push.
    #[serde(default, deserialize_with = "chosen_id")]
    pub id: Option<Uuid>,
}

/// Who a push is for: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum To<'a> {
    /// Every session of one user.
    User(Name<'a>),
    /// Every session of up to 10,000 users; a user named twice counts once.
    Users(Names<'a>),
    /// Every session subscribed to a topic.
    Topic(Name<'a>),
    /// Every session there is.
    All(True),
}

impl To<'_> {
    /// The same apart from the body it was read from.
    pub(crate) fn detached(self) -> To<'static> {
        match self {
            Self::User(name) => To::User(name.detached()),
            Self::Users(names) => {
                To::Users(Names(names.0.into_iter().map(Name::detached).collect()))
            }
            Self::Topic(name) => To::Topic(name.detached()),
            Self::All(it) => To::All(it),
        }
    }

    /// Every kind.
    pub const KINDS: [&'static str; 4] = ["user", "users", "topic", "all"];

    /// The field that was given, as it stands in metric labels.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Users(_) => "users",
            Self::Topic(_) => "topic",
            Self::All(_) => "all",
        }
    }
}

/// Different names, at least one and at most 10,000.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Names<'a>(pub Vec<Name<'a>>);

/// The literal `true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct True;

/// A payload of `null` is a payload, not an absent one.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn time_to_live<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let seconds = Option::<u32>::deserialize(deserializer).ok().map(Option::unwrap_or_default);
    seconds.filter(|seconds| *seconds <= MAX_TTL_SECONDS).ok_or_else(|| {
        D::Error::custom(format!("must be a whole number of seconds, 0 to {MAX_TTL_SECONDS}"))
    })
}

fn chosen_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uuid>, D::Error> {
    let wrong = || D::Error::custom("must be a UUID other than the nil one");
    let Ok(text) = Option::<Text<'de>>::deserialize(deserializer) else { return Err(wrong()) };
    let Some(Text(text)) = text else { return Ok(None) };
    let id = Uuid::try_parse(&text).ok().filter(|id| !id.is_nil());
    id.map(Some).ok_or_else(wrong)
}

impl<'de: 'a, 'a> Visitor<'de> for NamesVisitor<'a> {
    type Value = Vec<Name<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of user ids")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Name<'a>>, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = sequence.next_element()? {
            names.push(name);
        }
        Ok(names)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut names = deserializer.deserialize_seq(NamesVisitor(PhantomData))?;
        names.sort_unstable();
        names.dedup();
        match names.len() {
            0 => Err(D::Error::custom("must name at least one user")),
            1..=MAX_USERS => Ok(Self(names)),
            many => Err(D::Error::custom(format!("names {many} users, at most {MAX_USERS} are"))),
        }
    }
}

impl<'de> Deserialize<'de> for True {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer) {
            Ok(true) => Ok(Self),
            Ok(false) | Err(_) => Err(D::Error::custom("must be true")),
        }
    }
}

/// Reads an array of names, doubles included.
struct NamesVisitor<'a>(PhantomData<Name<'a>>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Kind {
    User,
    Users,
    Topic,
    All,
}

struct ToVisitor;

impl<'de> Visitor<'de> for ToVisitor {
    type Value = To<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with exactly one of user, users, topic and all")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<To<'de>, A::Error> {
        let wrong_count = || A::Error::custom("must have exactly one of user, users, topic, all");
        let to = match map.next_key()?.ok_or_else(wrong_count)? {
            Kind::User => To::User(map.next_value()?),
            Kind::Users => To::Users(map.next_value()?),
            Kind::Topic => To::Topic(map.next_value()?),
            Kind::All => To::All(map.next_value()?),
        };
        match map.next_key::<IgnoredAny>()? {
            None => Ok(to),
            Some(_) => Err(wrong_count()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for To<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ToVisitor)
    }
}
