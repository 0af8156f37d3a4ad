//! From a problem to an HTTP response.

use actix_codec::{AsyncRead, AsyncWrite, Framed};
use actix_http::{Response, h1};
use actix_web::{HttpRequest, HttpResponse, http::header};
use bytes::Bytes;
use protocol::problem::{self, Problem};
use serving::problem::{response, status};

/// The answer where nothing is.
pub(crate) async fn not_found(request: HttpRequest) -> HttpResponse {
    response(&Problem::new(404, "Not Found", format!("nothing is at {}", request.path())))
}

/// Answers with a problem and closes the connection.
pub(crate) async fn answer<T: AsyncRead + AsyncWrite + Unpin>(
    framed: Framed<T, h1::Codec>,
    problem: &Problem,
) -> Result<(), actix_http::Error> {
    let response = refusal(problem).set_body(Bytes::from(problem.to_json()));
    h1::SendResponse::new(framed, response).await?;
    Ok(())
}

fn refusal(problem: &Problem) -> Response<()> {
    let mut response = Response::build(status(problem));
    response.insert_header((header::CONTENT_TYPE, problem::CONTENT_TYPE));
    response.insert_header((header::CONNECTION, "close"));
    if let Some(seconds) = problem.retry_after {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    if problem.status == 426 {
        response.insert_header((header::UPGRADE, "websocket"));
        response.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
    }
    if problem.status == 401 {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    response.finish().set_body(())
}
