//! Names of topics, or what they begin with.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::ids::{InvalidName, Topic, check_name};

/// A topic, or with a `*` at the end all topics that begin with what is before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicPattern {
    /// One topic.
    One(Topic),
    /// Those that begin so; the empty text stands for all.
    Prefix(Box<str>),
}

impl TopicPattern {
    /// Takes a topic, or the beginning of one and `*`.
    ///
    /// # Errors
    /// It is no topic and no beginning of one.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        match text.strip_suffix('*') {
            None => Topic::new(text).map(Self::One),
            Some("") => Ok(Self::Prefix("".into())),
            Some(prefix) => check_name(prefix).map(|()| Self::Prefix(prefix.into())),
        }
    }

    /// Whether the topic is meant.
    pub fn matches(&self, topic: &Topic) -> bool {
        match self {
            Self::One(one) => one == topic,
            Self::Prefix(prefix) => topic.as_str().starts_with(&**prefix),
        }
    }
}

impl From<Topic> for TopicPattern {
    fn from(topic: Topic) -> Self {
        Self::One(topic)
    }
}

impl FromStr for TopicPattern {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(topic) => topic.fmt(f),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl Serialize for TopicPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_say() {
        let cases: [(&str, &[&str], &[&str]); 5] = [
            ("news", &["news"], &["new", "news2", "News"]),
            ("news/*", &["news/", "news/a", "news/a/b"], &["news", "old/news/"]),
            ("*", &["a", "*", "a*b"], &[]),
            ("a*b", &["a*b"], &["ab", "axb"]),
            ("a**", &["a*", "a*b"], &["ab"]),
        ];
        for (text, those, others) in cases {
            let pattern = TopicPattern::new(text).expect(text);
            assert_eq!(pattern.to_string(), text);
            let matches = |topic: &&str| pattern.matches(&Topic::new(topic).expect(topic));
            assert!(those.iter().all(matches) && !others.iter().any(matches), "{text}");
        }
        let long = "x".repeat(200);
        for text in ["", "a\n*", "a\n", &long, &format!("{long}*")] {
            assert!(TopicPattern::new(text).is_err(), "{text:?}");
        }
    }
}
