//! An HTTP client with a keep-alive connection, that takes every status for an answer.

use std::{io::Read, net::SocketAddr};

use serde_json::Value;
use ureq::{Agent, Body, SendBody, http::Response};

use super::{tls::http_client_config, wait::LIMIT};

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn read(mut response: Response<Body>) -> Self {
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers = headers.collect();
        let text = response.body_mut().read_to_string().unwrap();
        Self { status: response.status().as_u16(), headers, text }
    }
}

/// A client of one server. A clone has connections of its own.
pub(crate) struct Http {
    agent: Agent,
    base: String,
    key: Option<String>,
}

impl Http {
    /// A client of the server at this address.
    pub(crate) fn new(address: SocketAddr) -> Self {
        let settings = Agent::config_builder().http_status_as_error(false);
        let settings = settings.timeout_global(Some(LIMIT * 3)).max_idle_connections_per_host(1);
        Self { agent: settings.build().into(), base: format!("http://{address}"), key: None }
    }

    /// A client of the server at this port of `localhost`, inside TLS, whose certificate is checked; or of one at any
    /// address, whose certificate is not.
    pub(crate) fn inside_tls(address: SocketAddr, is_checked: bool) -> Self {
        let settings = Agent::config_builder().http_status_as_error(false);
        let settings = settings.timeout_global(Some(LIMIT * 3)).max_idle_connections_per_host(1);
        let agent = settings.tls_config(http_client_config(is_checked)).build().into();
        let host = if is_checked { "localhost".to_owned() } else { address.ip().to_string() };
        Self { agent, base: format!("https://{host}:{}", address.port()), key: None }
    }

    /// The same with an API key.
    pub(crate) fn with_key(address: SocketAddr, key: &str) -> Self {
        Self { key: Some(format!("Bearer {key}")), ..Self::new(address) }
    }

    /// GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// GET, where the connection may fail.
    pub(crate) fn try_get(&self, path: &str) -> Result<Answer, ureq::Error> {
        let request = self.agent.get(format!("{}{path}", self.base));
        request.header("authorization", self.authorization()).call().map(Answer::read)
    }

    /// DELETE.
    pub(crate) fn delete(&self, path: &str) -> Answer {
        let request = self.agent.delete(format!("{}{path}", self.base));
        Answer::read(request.header("authorization", self.authorization()).call().unwrap())
    }

    /// PUT without a body.
    pub(crate) fn put(&self, path: &str) -> Answer {
        let request = self.agent.put(format!("{}{path}", self.base));
        Answer::read(request.header("authorization", self.authorization()).send_empty().unwrap())
    }

    /// POST of a body of this type.
    pub(crate) fn post(&self, path: &str, kind: &str, body: &str) -> Answer {
        self.try_post(path, kind, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// POST with these header fields more.
    pub(crate) fn post_with(
        &self,
        path: &str,
        kind: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.base)).content_type(kind);
        let mut request = request.header("authorization", self.authorization());
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        Answer::read(request.send(body).unwrap())
    }

    /// POST, where the connection may fail.
    pub(crate) fn try_post(
        &self,
        path: &str,
        kind: &str,
        body: &str,
    ) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.base)).content_type(kind);
        request.header("authorization", self.authorization()).send(body).map(Answer::read)
    }

    /// Pushes, and expects the push to be taken.
    pub(crate) fn push(&self, body: &Value) -> Value {
        let answer = self.post("/v1/push", "application/json", &body.to_string());
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()
    }

    /// Pushes, and waits for the receipt.
    pub(crate) fn push_with_receipt(&self, body: &Value) -> Value {
        let answer = self.post("/v1/push?receipt=10s", "application/json", &body.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Sends a batch as a stream.
    pub(crate) fn batch(&self, mut lines: impl Read) -> Value {
        let request = self.agent.post(format!("{}/v1/push/batch", self.base));
        let request = request.content_type("application/x-ndjson");
        let request = request.header("authorization", self.authorization());
        let answer = Answer::read(request.send(SendBody::from_reader(&mut lines)).unwrap());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    fn authorization(&self) -> &str {
        self.key.as_deref().unwrap_or("none")
    }
}
