//! The live page: pushes as they arrive at a session of its own. Its files are in `page/`.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::header::{
        ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
    web,
};
use protocol::problem::{Problem, excerpt};
use serde::Serialize;

use super::problem::ApiError;
use crate::{api::Api, websocket_url::WebsocketUrl};

const HTML: &str = include_str!("page/page.html");

/// The client for browsers, with which the page holds its session.
const CLIENT_LIBRARY: &str = include_str!("../../../clients/js/holdfast.js");

macro_rules! scripts {
    ($($name:literal),*) => { [$(($name, include_str!(concat!("page/", $name)))),*] };
}

/// Style and scripts by name.
const FILES: [(&str, &str); 12] = scripts!(
    "page.css",
    "main.js",
    "telling.js",
    "refusal.js",
    "words.js",
    "arrivals.js",
    "asking.js",
    "gateways.js",
    "kept.js",
    "push.js",
    "receipt.js",
    "dom.js"
);

/// Where a page without a configured URL connects to: the usual port, at its own host or any other, since
/// a policy has no word for its own host at another port.
const USUAL_PORT: &str = "ws://*:8080 wss://*:8080 http://*:8080 https://*:8080";

/// What the page asks for when it is opened.
#[derive(Debug, Serialize)]
struct PageSettings<'a> {
    /// Where a gateway's WebSocket is; absent for the usual port of the page's host.
    websocket_url: Option<&'a str>,
    /// Whether requests here need an API key, and so, as far as can be known here, clients a token.
    needs_key: bool,
}

/// The live page.
pub(super) async fn page(api: web::Data<Api>) -> HttpResponse {
    let policy = content_security_policy(api.page_websocket_url.as_ref());
    let mut response = answer("text/html; charset=utf-8");
    // Nothing that a person puts in is to leave with an address.
    response.insert_header((REFERRER_POLICY, "no-referrer"));
    response.insert_header((CONTENT_SECURITY_POLICY, policy)).body(HTML)
}

/// A style or script of the live page.
pub(super) async fn file(name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let Some((known, text)) = FILES.iter().find(|(known, _)| *known == name.as_str()) else {
        let detail = format!("the live page has no file {:?}", excerpt(&name));
        return Err(Problem::new(404, "Not found", detail).into());
    };
    let kind = match known.ends_with(".css") {
        true => "text/css; charset=utf-8",
        false => "text/javascript; charset=utf-8",
    };
    Ok(answer(kind).body(*text))
}

/// The client for browsers, which pages of other origins may import, too.
pub(super) async fn client_library() -> HttpResponse {
    let mut response = answer("text/javascript; charset=utf-8");
    response.insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*")).body(CLIENT_LIBRARY)
}

/// What the live page has to know.
pub(super) async fn page_settings(api: web::Data<Api>) -> HttpResponse {
    let websocket_url = api.page_websocket_url.as_ref().map(WebsocketUrl::as_str);
    let needs_key = !api.keys.are_open();
    HttpResponse::Ok().json(PageSettings { websocket_url, needs_key })
}

/// An answer that is asked for again each time, so that files of one build are used together.
fn answer(kind: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type(kind);
    response.insert_header((CACHE_CONTROL, "no-cache"));
    response.insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// Nothing but the page's own files is loaded or run, no text becomes markup, and connections go to
/// pusher-api and the gateway only.
fn content_security_policy(gateway: Option<&WebsocketUrl>) -> String {
    let gateway = gateway.map_or_else(|| USUAL_PORT.to_owned(), WebsocketUrl::sources);
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {gateway}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

#[cfg(test)]
mod tests {
    use protocol::CloseReason;

    use super::*;

    fn text(name: &str) -> &'static str {
        FILES.iter().find(|(known, _)| *known == name).expect(name).1
    }

    #[test]
    fn every_reason_has_a_sentence_of_its_own() {
        let (words, _) = text("words.js").split_once("};").expect("the table is the first thing");
        let rows = words.lines().filter(|line| line.starts_with("  "));
        let named = CloseReason::ALL.map(|reason| format!("  {}: \"", reason.as_str()));
        assert_eq!(rows.count(), named.len());
        named.iter().for_each(|row| assert!(words.contains(row.as_str()), "{row}"));
    }

    #[test]
    fn every_file_that_is_asked_for_is_there() {
        let sources = FILES.iter().map(|(_, source)| *source).chain([HTML]);
        let mut asked = 0;
        for source in sources {
            for mark in ["from \"./", "=\"page/"] {
                for (at, _) in source.match_indices(mark) {
                    let name = source[at + mark.len()..].split('"').next().expect("a name");
                    assert!(FILES.iter().any(|(known, _)| *known == name), "{name}");
                    asked += 1;
                }
            }
        }
        assert!(asked >= FILES.len());
    }

    #[test]
    fn the_policy_names_the_gateway_and_allows_no_inline_script() {
        let url = "wss://clients.example.com/v1/ws".parse().expect("a URL");
        let policy = content_security_policy(Some(&url));
        let expected = "connect-src 'self' wss://clients.example.com https://clients.example.com; ";
        assert!(policy.contains(expected) && !policy.contains("unsafe"), "{policy}");
        assert!(content_security_policy(None).contains("ws://*:8080"));
    }
}
