//! Which process this is: said in every answer, and asked for by backends that repeat pushes of which this
//! process alone knows the ids.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use protocol::problem::{Problem, excerpt};
use uuid::Uuid;

/// The header, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("holdfast-process");

/// The name of a process, made when it starts and never again.
pub(crate) struct Process(HeaderValue);

impl Default for Process {
    fn default() -> Self {
        let name = Uuid::new_v4().to_string();
        Self(HeaderValue::from_str(&name).expect("hyphens and hexadecimal digits"))
    }
}

impl Process {
    /// What every answer says.
    pub(crate) fn mark(&self) -> (HeaderName, HeaderValue) {
        (HEADER, self.0.clone())
    }

    /// Checks that whoever names a process means this one.
    ///
    /// # Errors
    /// 412 where another one is meant, which may be one that is no more.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match headers.get_all(&HEADER).find(|meant| **meant != self.0) {
            None => Ok(()),
            Some(meant) => {
                let meant = excerpt(&String::from_utf8_lossy(meant.as_bytes())).to_string();
                let detail = format!("this is not the process {meant}; nothing was taken");
                Err(Problem::new(412, "Another process", detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_process_is_meant_by_its_name() {
        let (here, other) = (Process::default(), Process::default());
        let mut headers = HeaderMap::new();
        assert!(here.check(&headers).is_ok(), "nobody is meant");
        headers.insert(HEADER, here.mark().1);
        assert!(here.check(&headers).is_ok());
        let problem = other.check(&headers).expect_err("another is meant");
        assert_eq!(problem.status, 412);
        headers.append(HEADER, other.mark().1);
        assert!(here.check(&headers).is_err(), "two are meant");
    }
}
