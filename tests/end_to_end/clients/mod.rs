//! The client library against the real thing.
//!
//! [`pushes`] are pushes from a program that does not run on tokio, [`interruptions`] what becomes of them when
//! pusher-api is restarted, killed, slow or gone, [`ways`] lead over TLS and through a load balancer, [`sessions`] are devices, and [`examples`] are run as they
//! are.

mod examples;
mod interruptions;
mod pushes;
mod sessions;
mod ways;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use holdfast_client::{Builder, Client as Library, GivenUp, Push, To, Why, blocking};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Client, Gateway, PusherApi, Tcp};

/// What was given up, as it was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<GivenUp>>>);

impl Told {
    fn all(&self) -> Vec<GivenUp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Why each push was given up; none is told twice.
    fn reasons(&self) -> HashMap<Uuid, Why> {
        let all = self.all();
        let count = all.len();
        let reasons: HashMap<_, _> = all.into_iter().map(|told| (told.id, told.why)).collect();
        assert_eq!(reasons.len(), count, "each is told once");
        reasons
    }
}

/// Builds a client that is quick to try again, and tells what it gives up.
fn builder(pusher: &PusherApi, told: &Told) -> Builder {
    builder_at(&format!("http://{}", pusher.address), told)
}

/// The same, of whoever is there.
fn builder_at(url: &str, told: &Told) -> Builder {
    let told = told.clone();
    Library::builder(url).longest_pause(Duration::from_millis(100)).on_given_up(move |given_up| {
        told.0.lock().unwrap_or_else(PoisonError::into_inner).push(given_up);
    })
}

fn client(pusher: &PusherApi, told: &Told) -> blocking::Client {
    blocking::Client::start(builder(pusher, told)).unwrap()
}

/// A push of a number to a user, kept for a while or not at all.
fn push(user: &str, number: u64, is_kept: bool) -> Push {
    let push = Push::json(To::User(user), &number).unwrap();
    if is_kept { push.ttl(Duration::from_secs(600)) } else { push }
}

/// A session that hears what is pushed to a user, in the order in which it comes.
struct Listener {
    tcp: Tcp,
    user: &'static str,
}

impl Listener {
    fn join(gateway: &Gateway, user: &'static str) -> Self {
        Self { tcp: Tcp::join(gateway, user), user }
    }

    /// The ids of everything that comes before this is pushed and comes itself.
    fn heard(&mut self, pusher: &PusherApi) -> Vec<Uuid> {
        pusher.client.push(&json!({ "to": { "user": self.user }, "data": "the end" }));
        let mut heard = Vec::new();
        loop {
            let frame = self.tcp.expect("push");
            if frame["data"] == "the end" {
                return heard;
            }
            heard.push(id(&frame));
        }
    }
}

fn id(frame: &Value) -> Uuid {
    frame["id"].as_str().unwrap().parse().unwrap()
}
