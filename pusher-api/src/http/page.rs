//! The live page: one file that shows pushes arriving at a session of its own.

use actix_web::{HttpResponse, http::header, web};
use serde::Serialize;

use crate::api::Api;

/// The page, complete in itself.
const HTML: &str = include_str!("page.html");

/// Nothing from elsewhere is loaded; connections may go to gateways on any host.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'";

/// What the page asks for when it is opened.
#[derive(Debug, Serialize)]
struct PageSettings<'a> {
    /// Where a gateway's WebSocket is; absent for the usual port of the page's host.
    websocket_url: Option<&'a str>,
}

/// The live page.
pub(super) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .body(HTML)
}

/// What the live page has to know.
pub(super) async fn page_settings(api: web::Data<Api>) -> HttpResponse {
    let websocket_url = api.page_websocket_url.as_deref();
    HttpResponse::Ok().json(PageSettings { websocket_url })
}
