//! From a problem to a response (RFC 9457).

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};
use protocol::problem::{CONTENT_TYPE, Problem};

/// The status of a problem.
pub fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A response with the problem's status, its media type and when to try again; the body is still
/// to come.
pub fn head(problem: &Problem) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status(problem));
    response.insert_header((header::CONTENT_TYPE, CONTENT_TYPE));
    if let Some(seconds) = problem.retry_after {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    response
}

/// The whole response.
pub fn response(problem: &Problem) -> HttpResponse {
    head(problem).body(problem.to_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_says_what_the_problem_is_and_when_it_may_be_over() {
        let answer = response(&Problem::unavailable("full"));
        let header = |name| answer.headers().get(name).map(|value| value.to_str().expect("text"));
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(header("content-type"), Some("application/problem+json"));
        assert_eq!(header("retry-after"), Some("1"));
        let answer = response(&Problem::new(404, "Not Found", "nothing"));
        assert!(!answer.headers().contains_key("retry-after"));
    }
}
