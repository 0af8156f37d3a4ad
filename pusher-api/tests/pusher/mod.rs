//! The pusher-api under test, and what a backend does with it.

use std::time::Duration;

use awc::Client;
use pusher_api::{Running, Settings, start};
use serde_json::{Value, json};

use crate::gateway::TestGateway;

/// A pusher-api that runs, and its client.
pub(crate) struct Pusher {
    pub running: Running,
    pub client: Client,
}

/// Starts one that is linked to these gateways.
pub(crate) async fn pusher(
    gateways: &[&TestGateway],
    change: impl FnOnce(&mut Settings),
) -> Pusher {
    let endpoint = |gateway: &&TestGateway| {
        format!("http://{}", gateway.address()).parse().expect("an endpoint")
    };
    let mut settings = Settings {
        listen: vec!["127.0.0.1:0".parse().expect("an address")],
        gateway: gateways.iter().map(endpoint).collect(),
        workers: Some(1),
        insecure: true,
        ..Settings::default()
    };
    change(&mut settings);
    let running = start(settings).await.expect("it starts");
    let client = Client::builder().timeout(Duration::from_secs(60)).finish();
    Pusher { running, client }
}

impl Pusher {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.addresses[0])
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let mut response = self.client.get(self.url(path)).send().await.expect("an answer");
        let body = response.body().await.expect("a body");
        (response.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let mut response = self.client.get(self.url(path)).send().await.expect("an answer");
        String::from_utf8(response.body().await.expect("a body").to_vec()).expect("text")
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<String>) -> (u16, Value) {
        let request = self.client.post(self.url(path)).content_type("application/json");
        let mut response = request.send_body(body.into()).await.expect("an answer");
        let body = response.body().await.expect("a body");
        (response.status().as_u16(), serde_json::from_slice(&body).expect("JSON"))
    }

    pub(crate) async fn push(&self, user: &str, data: u32) -> u16 {
        let body = json!({"to": {"user": user}, "data": data}).to_string();
        self.post("/v1/push", body).await.0
    }

    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(u16, &Value) -> bool) -> Value {
        // So many tries that only what never happens runs out of them.
        for _ in 0..10_000 {
            let (status, body) = self.get(path).await;
            if wanted(status, &body) {
                return body;
            }
            actix_rt::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("{path} never answered what was waited for");
    }

    pub(crate) async fn until_ready(&self) {
        self.until("/readyz", |status, _| status == 200).await;
    }

    pub(crate) async fn until_state(&self, state: &str) -> Value {
        self.until("/v1/gateways", |_, body| body["gateways"][0]["state"] == state).await
    }
}
