//! Which process pushes go to that must not go to two.
//!
//! A push without a `ttl` is known by its id to the process that took it, and to no other. If its answer is lost, it can be
//! repeated only to that process, which has to be known before: so it is named in the request, and another process refuses it.

use std::time::{Duration, Instant};

use hyper::header::HeaderValue;

/// So many refusals in a row by other processes: then the one that is named is gone, or something sends every request
/// elsewhere.
const MOST_MISSES: u32 = 3;
/// How long nobody is named then.
const FREE: Duration = Duration::from_secs(60);

/// The process that is named.
#[derive(Debug, Default)]
pub(super) struct Process {
    name: Option<HeaderValue>,
    misses: u32,
    free_until: Option<Instant>,
}

impl Process {
    /// Whether it has to be asked for its name first.
    pub(super) fn is_to_be_asked(&self, now: Instant) -> bool {
        self.name.is_none() && !self.is_free(now)
    }

    /// Whom a request is for that has live pushes; `is_bound` says that some may have been taken by that process.
    pub(super) fn named(&self, is_bound: bool, now: Instant) -> Option<&HeaderValue> {
        self.name.as_ref().filter(|_| is_bound || !self.is_free(now))
    }

    /// A process has answered, other than that it is not meant.
    pub(super) fn heard(&mut self, name: Option<HeaderValue>, is_bound: bool, now: Instant) {
        self.misses = 0;
        match name {
            Some(name) if !is_bound => self.name = Some(name),
            Some(_) => {}
            None => self.free_until = Some(now + FREE),
        }
    }

    /// Another process has answered than the one that was named; whether that one counts as gone.
    pub(super) fn missed(
        &mut self,
        name: Option<HeaderValue>,
        is_bound: bool,
        now: Instant,
    ) -> bool {
        self.misses += 1;
        let is_over = self.misses >= MOST_MISSES;
        if is_over {
            self.misses = 0;
            if !is_bound {
                self.free_until = Some(now + FREE);
            }
        }
        if is_over || !is_bound {
            self.name = name;
        }
        is_over && is_bound
    }

    fn is_free(&self, now: Instant) -> bool {
        self.free_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &'static str) -> Option<HeaderValue> {
        Some(HeaderValue::from_static(text))
    }

    #[test]
    fn a_process_is_asked_for_named_and_followed() {
        let (mut process, now) = (Process::default(), Instant::now());
        assert!(process.is_to_be_asked(now) && process.named(false, now).is_none());
        process.heard(name("a"), false, now);
        assert_eq!(process.named(false, now), name("a").as_ref());
        assert!(!process.missed(name("b"), false, now));
        assert_eq!(process.named(false, now), name("b").as_ref(), "nothing is bound to the first");
        process.heard(None, false, now);
        assert!(!process.is_to_be_asked(now) && process.named(false, now).is_none());
    }

    #[test]
    fn what_is_bound_to_a_process_is_tried_there_before_it_is_given_up() {
        let (mut process, now) = (Process::default(), Instant::now());
        process.heard(name("a"), false, now);
        process.heard(name("b"), true, now);
        for _ in 1..MOST_MISSES {
            assert!(!process.missed(name("b"), true, now));
            assert_eq!(process.named(true, now), name("a").as_ref());
        }
        assert!(process.missed(name("b"), true, now));
        assert_eq!(process.named(false, now), name("b").as_ref());
    }

    #[test]
    fn nobody_is_named_for_a_while_where_each_request_goes_elsewhere() {
        let (mut process, now) = (Process::default(), Instant::now());
        for other in ["a", "b", "a"] {
            assert!(!process.missed(name(other), false, now));
        }
        assert!(process.named(false, now).is_none() && !process.is_to_be_asked(now));
        assert!(process.named(false, now + FREE).is_some());
    }
}
