//! The claims of a client's token (RFC 7519 section 4).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ids::{Device, InvalidName, Topic, UserId},
    topic_pattern::TopicPattern,
};

/// Who a client is and what it may do, as its token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The user id.
    pub sub: UserId,
    /// When the token ends: seconds since the Unix epoch.
    pub exp: u64,
    /// When it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aud: Vec<String>,
    /// A newer session of the same device takes an older one's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Subscribed from the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<Topic>,
    /// What the client may subscribe to besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subscribe: Vec<TopicPattern>,
}

/// What is wrong with claims, in words that say nothing of what is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClaims {
    /// Not a JSON object, or one in which a claim stands twice.
    #[error("the token's claims are not a JSON object with each claim once")]
    NotAnObject,
    /// A claim that has to be there.
    #[error("the token has no claim {0}")]
    Missing(&'static str),
    /// A claim of another type than it should have.
    #[error("the token's claim {0} is not {1}")]
    Type(&'static str, &'static str),
    /// A claim that is, or holds, no name of a user, device or topic.
    #[error("the token's claim {0}: a name {1}")]
    Name(&'static str, InvalidName),
}

/// The claims that are read, unchecked; `null` means that one is absent. Others are passed over.
#[derive(Deserialize)]
struct Raw {
    sub: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iss: Option<Value>,
    aud: Option<Value>,
    device: Option<Value>,
    topics: Option<Value>,
    subscribe: Option<Value>,
}

impl Claims {
    /// What a token of this user says that is valid until `exp`, and nothing else.
    pub fn new(sub: UserId, exp: u64) -> Self {
        let (topics, subscribe, aud) = (Vec::new(), Vec::new(), Vec::new());
        Self { sub, exp, nbf: None, iss: None, aud, device: None, topics, subscribe }
    }

    /// Reads the claims of a token.
    ///
    /// # Errors
    /// Names the claim that is missing or wrong.
    pub fn read(json: &[u8]) -> Result<Self, InvalidClaims> {
        let raw: Raw = serde_json::from_slice(json).map_err(|_| InvalidClaims::NotAnObject)?;
        let sub = raw.sub.ok_or(InvalidClaims::Missing("sub"))?;
        let exp = raw.exp.ok_or(InvalidClaims::Missing("exp"))?;
        Ok(Self {
            sub: name("sub", &sub, UserId::new)?,
            exp: numeric_date("exp", &exp)?,
            nbf: raw.nbf.map(|nbf| numeric_date("nbf", &nbf)).transpose()?,
            iss: raw.iss.map(|iss| text("iss", &iss).map(str::to_owned)).transpose()?,
            aud: raw.aud.map(|aud| audience(&aud)).transpose()?.unwrap_or_default(),
            device: raw.device.map(|device| name("device", &device, Device::new)).transpose()?,
            topics: names("topics", raw.topics, Topic::new)?,
            subscribe: names("subscribe", raw.subscribe, TopicPattern::new)?,
        })
    }
}

/// Seconds since the Unix epoch, which may have a fraction (RFC 7519 section 2).
fn numeric_date(claim: &'static str, value: &Value) -> Result<u64, InvalidClaims> {
    let seconds = value.as_f64().ok_or(InvalidClaims::Type(claim, "a number of seconds"))?;
    // Saturates: what is before 1970 is over, and what is beyond all years never ends.
    Ok(seconds as u64)
}

fn text<'a>(claim: &'static str, value: &'a Value) -> Result<&'a str, InvalidClaims> {
    value.as_str().ok_or(InvalidClaims::Type(claim, "a text"))
}

/// One text, or several (RFC 7519 section 4.1.3).
fn audience(value: &Value) -> Result<Vec<String>, InvalidClaims> {
    let wrong = InvalidClaims::Type("aud", "a text or an array of texts");
    let one = |value: &Value| value.as_str().map(str::to_owned).ok_or(wrong);
    match value {
        Value::Array(several) => several.iter().map(one).collect(),
        single => one(single).map(|single| vec![single]),
    }
}

fn name<T>(
    claim: &'static str,
    value: &Value,
    make: impl Fn(&str) -> Result<T, InvalidName>,
) -> Result<T, InvalidClaims> {
    make(text(claim, value)?).map_err(|why| InvalidClaims::Name(claim, why))
}

fn names<T>(
    claim: &'static str,
    value: Option<Value>,
    make: impl Fn(&str) -> Result<T, InvalidName>,
) -> Result<Vec<T>, InvalidClaims> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(texts)) if texts.iter().all(Value::is_string) => {
            texts.iter().map(|text| name(claim, text, &make)).collect()
        }
        Some(_) => Err(InvalidClaims::Type(claim, "an array of texts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::MAX_NAME_BYTES;

    fn read(text: &str) -> Result<Claims, InvalidClaims> {
        Claims::read(text.as_bytes())
    }

    fn topic(text: &str) -> Topic {
        Topic::new(text).expect(text)
    }

    #[test]
    fn claims_are_read_as_they_are_written() {
        let claims = Claims {
            nbf: Some(5),
            iss: Some("https://issuer".into()),
            aud: vec!["a".into(), "b".into()],
            device: Some(Device::new("phone").expect("a device")),
            topics: vec![topic("news")],
            subscribe: vec![topic("chat").into(), TopicPattern::Prefix("rooms/".into())],
            ..Claims::new(UserId::new("u1").expect("a user"), 7)
        };
        let text = serde_json::to_string(&claims).expect("plain data");
        let expected = r#"{"sub":"u1","exp":7,"nbf":5,"iss":"https://issuer","aud":["a","b"],"device":"phone","topics":["news"],"subscribe":["chat","rooms/*"]}"#;
        assert_eq!((text.as_str(), read(&text)), (expected, Ok(claims)));
    }

    #[test]
    fn what_may_be_absent_is_left_out_and_null_means_absent() {
        let least = Claims::new(UserId::new("u1").expect("a user"), 7);
        let text = serde_json::to_string(&least).expect("plain");
        assert_eq!(text, r#"{"sub":"u1","exp":7}"#);
        for text in [
            text.as_str(),
            r#"{"sub":"u1","exp":7.9,"other":{"sub":5}}"#,
            r#"{"sub":"u1","exp":7,"nbf":null,"iss":null,"aud":null,"device":null,"topics":null,"subscribe":null}"#,
        ] {
            assert_eq!(read(text), Ok(least.clone()), "{text}");
        }
        let one = read(r#"{"sub":"u1","exp":7,"aud":"a"}"#).expect("one audience");
        assert_eq!(one.aud, ["a"]);
    }

    #[test]
    fn dates_saturate() {
        for (date, expected) in
            [("-1", 0), ("1e300", u64::MAX), ("9999999999999", 9_999_999_999_999)]
        {
            assert_eq!(
                read(&format!(r#"{{"sub":"u","exp":{date}}}"#)).map(|it| it.exp),
                Ok(expected)
            );
        }
    }

    #[test]
    fn wrong_claims_are_named() {
        use InvalidClaims::{Missing, Name, NotAnObject, Type};
        let list = "an array of texts";
        let cases = [
            (r#""#, NotAnObject),
            (r#"[]"#, NotAnObject),
            (r#"{"sub":"u","exp":1,"sub":"v"}"#, NotAnObject),
            (r#"{"exp":1}"#, Missing("sub")),
            (r#"{"sub":null,"exp":1}"#, Missing("sub")),
            (r#"{"sub":"u"}"#, Missing("exp")),
            (r#"{"sub":"u","exp":null}"#, Missing("exp")),
            (r#"{"sub":5,"exp":1}"#, Type("sub", "a text")),
            (r#"{"sub":"","exp":1}"#, Name("sub", InvalidName::Empty)),
            (r#"{"sub":"a\u0001","exp":1}"#, Name("sub", InvalidName::ControlCharacter)),
            (r#"{"sub":"u","exp":"tomorrow"}"#, Type("exp", "a number of seconds")),
            (r#"{"sub":"u","exp":1,"nbf":[]}"#, Type("nbf", "a number of seconds")),
            (r#"{"sub":"u","exp":1,"iss":5}"#, Type("iss", "a text")),
            (r#"{"sub":"u","exp":1,"aud":[5]}"#, Type("aud", "a text or an array of texts")),
            (r#"{"sub":"u","exp":1,"device":""}"#, Name("device", InvalidName::Empty)),
            (r#"{"sub":"u","exp":1,"topics":"t"}"#, Type("topics", list)),
            (r#"{"sub":"u","exp":1,"topics":[5]}"#, Type("topics", list)),
            (r#"{"sub":"u","exp":1,"topics":[""]}"#, Name("topics", InvalidName::Empty)),
            (r#"{"sub":"u","exp":1,"subscribe":["a",""]}"#, Name("subscribe", InvalidName::Empty)),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Err(expected), "{text}");
        }
        let text = format!(r#"{{"sub":"{}","exp":1}}"#, "x".repeat(MAX_NAME_BYTES + 1));
        assert_eq!(read(&text), Err(Name("sub", InvalidName::TooLong)));
    }
}
