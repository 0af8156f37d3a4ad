//! The claims of a client's token (RFC 7519 section 4).

use serde::{Deserialize, Deserializer, Serialize};

use crate::ids::{Device, Topic, UserId};

/// Who a client is and what it may do, as its token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user id.
    pub sub: UserId,
    /// When the token ends: seconds since the Unix epoch.
    #[serde(deserialize_with = "numeric_date")]
    pub exp: u64,
    /// A newer session of the same device takes an older one's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Subscribed from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<Topic>,
}

/// Seconds since the Unix epoch, which may have a fraction (RFC 7519 section 2).
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    f64::deserialize(deserializer).map(|seconds| seconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_read_as_they_are_written() {
        let claims = Claims {
            sub: UserId::new("u1").expect("a user"),
            exp: 7,
            device: Some(Device::new("phone").expect("a device")),
            topics: vec![Topic::new("news").expect("a topic")],
        };
        let text = serde_json::to_string(&claims).expect("plain data");
        assert_eq!(text, r#"{"sub":"u1","exp":7,"device":"phone","topics":["news"]}"#);
        assert_eq!(serde_json::from_str::<Claims>(&text).expect("the same"), claims);
    }

    #[test]
    fn what_may_be_absent_is_left_out() {
        let text = r#"{"sub":"u1","exp":7.9}"#;
        let claims: Claims = serde_json::from_str(text).expect("a fraction is allowed");
        assert_eq!((claims.exp, &claims.device, claims.topics.len()), (7, &None, 0));
        assert_eq!(serde_json::to_string(&claims).expect("plain"), r#"{"sub":"u1","exp":7}"#);
    }
}
