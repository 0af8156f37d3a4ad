//! Requests in development, where nobody shows a key: those of foreign pages and proxies are refused.

use actix_web::{
    dev::RequestHead,
    http::{Method, header},
};
use protocol::{foreign::Marks, problem::Problem};

/// Media types that a page of another site may send without asking first (Fetch Standard,
/// CORS-safelisted request-header).
const WITHOUT_ASKING: [&str; 3] =
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];

/// Checks that the developer may have sent the request to one of these ports.
///
/// # Errors
/// 403 for who may have sent it instead; 415 for a POST that any page could send.
pub(super) fn check(head: &RequestHead, ports: &[u16], allowed: &[String]) -> Result<(), Problem> {
    let fields = head.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let marks = Marks::read(fields);
    marks.check(ports, allowed).map_err(|why| Problem::new(403, "Forbidden", why.to_string()))?;
    let kind = head.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let needs_no_asking = kind.is_empty() || WITHOUT_ASKING.contains(&kind.to_lowercase().as_str());
    if head.method == Method::POST && needs_no_asking {
        let detail = "development: a POST needs its content type, like application/json";
        return Err(Problem::new(415, "Unsupported Media Type", detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn status(request: TestRequest) -> u16 {
        let request = request.to_http_request();
        let allowed = ["https://app.example".to_owned()];
        check(request.head(), &[8090], &allowed).map_or_else(|problem| problem.status, |()| 200)
    }

    fn from(origin: &str) -> TestRequest {
        let request = TestRequest::get().insert_header(("host", "localhost:8090"));
        request.insert_header(("origin", origin))
    }

    #[test]
    fn requests_of_foreign_pages_are_refused() {
        let cases = [
            (from("http://localhost:3000"), 200),
            (from("https://app.example"), 200),
            (from("https://evil.example"), 403),
            (from("null"), 403),
            (from("http://localhost").insert_header(("x-forwarded-for", "::1")), 403),
            (TestRequest::get().insert_header(("host", "evil.example:8090")), 403),
            (TestRequest::get().insert_header(("host", "localhost:8080")), 403),
        ];
        for (number, (request, expected)) in cases.into_iter().enumerate() {
            assert_eq!(status(request), expected, "{number}");
        }
    }

    #[test]
    fn a_post_has_a_content_type_that_pages_must_ask_for() {
        for (kind, expected) in [
            ("application/json", 200),
            ("application/json; charset=utf-8", 200),
            ("application/x-ndjson", 200),
            ("", 415),
            ("text/plain", 415),
            ("Text/Plain; x=application/json", 415),
            ("application/x-www-form-urlencoded", 415),
            ("multipart/form-data; boundary=x", 415),
        ] {
            let request = from("http://localhost").method(Method::POST);
            assert_eq!(status(request.insert_header(("content-type", kind))), expected, "{kind}");
        }
        assert_eq!(status(from("http://localhost").method(Method::POST)), 415);
    }
}
