//! A push that is kept: staged, kept in the store, forwarded.
//!
//! Once the store has it, it is taken, whatever becomes of it on its way: gateways ask the store for what they
//! were not told of. So it is never refused for a gateway, and its id is the store's to remember.

use std::time::Duration;

use bytes::Bytes;
use protocol::{
    MessageId, Topic, UserId, clock,
    kept::{Log, Step},
    problem::Problem,
};
use store::contract::{AppendError, Appended, KeptPayload, KeptPush, Origin, Store, StoreError};

use super::check::not_kept;
use crate::{
    api::Api,
    backends::Backend,
    engine::contract::{Dispatch, Handed, StoredPush},
    receipts::Collector,
    stable_hash::StableHash,
    validate::{Payload, Push, To},
};

/// A store that has not answered for this long is taken for one that does not.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a name takes beside its text.
const NAME_BYTES: usize = 32;

/// A push that the store does not have so far.
#[derive(Debug)]
pub(crate) struct Unkept {
    push: KeptPush,
    accepted_micros: u64,
    kind: &'static str,
}

/// A push that the store has.
#[derive(Debug)]
pub(crate) struct Kept {
    id: MessageId,
    accepted_micros: u64,
    logs: Vec<Log>,
    steps: Vec<Option<Step>>,
    payload: KeptPayload,
}

/// A push that the store did not keep.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Whose it would have been.
    pub logs: Vec<Log>,
    /// Why.
    pub problem: Problem,
}

/// A push of this backend, named, and apart from the request's body.
///
/// # Errors
/// It is for nobody whose messages are kept.
pub(crate) fn stage(backend: Backend, push: &Push<'_>) -> Result<Unkept, Problem> {
    let origin = push.id.map(|_| Origin { scope: backend.ids, content: content_of(push) });
    let payload = match &push.payload {
        Payload::Json(text) => KeptPayload::Json(Bytes::copy_from_slice(text.as_bytes())),
        Payload::Base64(text) => KeptPayload::Base64(Bytes::copy_from_slice(text.as_bytes())),
    };
    Ok(Unkept {
        accepted_micros: clock::micros_since_epoch(),
        kind: push.to.kind(),
        push: KeptPush {
            id: push.id.unwrap_or_else(MessageId::generate),
            origin,
            logs: logs_of(&push.to)?,
            payload,
            collapse_key: push.collapse_key.as_ref().map(|key| key.as_str().into()),
            ttl: Duration::from_secs(push.ttl.into()),
        },
    })
}

fn logs_of(to: &To<'_>) -> Result<Vec<Log>, Problem> {
    let invalid = |error| Problem::new(422, "Invalid push", format!("{error}")).at("/to");
    let user = |name: &str| UserId::new(name).map(Log::User).map_err(invalid);
    match to {
        To::User(name) => Ok(vec![user(name.as_str())?]),
        To::Users(names) => names.0.iter().map(|name| user(name.as_str())).collect(),
        To::Topic(name) => Ok(vec![Topic::new(name.as_str()).map(Log::Topic).map_err(invalid)?]),
        // Refused before: it has no log.
        To::All(_) => Err(Problem::new(422, "Invalid push", "use a topic").at("/ttl")),
    }
}

/// Everything a push says but for its id.
fn content_of(push: &Push<'_>) -> u64 {
    let hash = StableHash::new().text(push.to.kind());
    let hash = match &push.to {
        To::User(name) | To::Topic(name) => hash.text(name.as_str()),
        To::Users(names) => names.0.iter().fold(hash, |hash, name| hash.text(name.as_str())),
        To::All(_) => hash,
    };
    let hash = match &push.payload {
        Payload::Json(text) => hash.number(0).text(text),
        Payload::Base64(text) => hash.number(1).text(text),
    };
    let key = push.collapse_key.as_ref();
    let hash = key.map_or(hash.number(0), |key| hash.number(1).text(key.as_str()));
    hash.number(push.ttl.into()).value()
}

impl Unkept {
    /// Its id.
    pub(crate) fn id(&self) -> MessageId {
        self.push.id
    }

    /// Bytes that it takes while it waits, about.
    pub(crate) fn size(&self) -> usize {
        let (KeptPayload::Json(text) | KeptPayload::Base64(text)) = &self.push.payload;
        let logs = self.push.logs.iter().map(|log| log.name().len() + NAME_BYTES);
        text.len() + logs.sum::<usize>() + size_of::<Self>()
    }

    /// Keeps it, and comes back when it is as safe as the store makes things.
    ///
    /// # Errors
    /// It may have been kept for some of those it is for: the same id and content completes it.
    pub(crate) async fn keep(self, api: &Api) -> Result<Kept, Refused> {
        let Self { push, accepted_micros, kind } = self;
        let (id, logs, payload) = (push.id, push.logs.clone(), push.payload.clone());
        match append(api, push).await {
            Ok(Appended { steps }) => {
                let kept = Kept { id, accepted_micros, logs, steps, payload };
                kept.count(api, kind);
                Ok(kept)
            }
            Err(problem) => Err(Refused { logs, problem }),
        }
    }
}

impl Kept {
    /// Its id.
    pub(crate) fn id(&self) -> MessageId {
        self.id
    }

    /// Whether it was kept before for all of them.
    pub(crate) fn is_repetition(&self) -> bool {
        self.steps.iter().all(Option::is_none)
    }

    /// Adds it to the dispatch, for those it was not kept for before.
    pub(crate) async fn forward(&self, dispatch: &mut impl Dispatch, receipt: bool) -> Handed {
        let Self { id, accepted_micros, logs, steps, payload } = self;
        let (id, accepted_micros) = (*id, *accepted_micros);
        dispatch.tell(&StoredPush { id, accepted_micros, receipt, logs, steps, payload }).await
    }

    fn count(&self, api: &Api, kind: &'static str) {
        if self.is_repetition() {
            api.metrics.pushes.duplicate.inc();
            return;
        }
        let (KeptPayload::Json(text) | KeptPayload::Base64(text)) = &self.payload;
        api.metrics.pushes.accepted.inc();
        api.metrics.pushes.bytes.inc_by(text.len() as u64);
        api.metrics.pushes.targets.with_label_values(&[kind]).inc();
    }
}

/// What gathers the receipts of a push, to be called before it is on its way.
///
/// # Errors
/// 503: too many are waited for.
pub(crate) fn expect_receipts(api: &Api, id: MessageId) -> Result<Collector, Problem> {
    let collector = api.receipts.expect(id);
    collector.ok_or_else(|| {
        api.metrics.pushes.refused.inc();
        Problem::unavailable("too many pushes wait for receipts, or one of this id does")
    })
}

async fn append(api: &Api, push: KeptPush) -> Result<Appended, Problem> {
    let store = api.keeping.for_pushes().map_err(|why| not_kept(&why))?;
    let appended = tokio::time::timeout(PATIENCE, store.append(push)).await;
    let silent = |_| {
        let reason = format!("it has not answered within {} s", PATIENCE.as_secs());
        Err(StoreError::Away(reason).into())
    };
    appended.unwrap_or_else(silent).map_err(|error| refused(api, &error))
}

/// What is answered where the store did not keep a push.
fn refused(api: &Api, error: &AppendError) -> Problem {
    match error {
        AppendError::Store(StoreError::Away(_)) => {
            api.metrics.pushes.refused.inc();
            Problem::unavailable(error)
        }
        AppendError::Full(limit) => {
            full(api, &format!("there is no room by --{}", limit.replace('_', "-")))
        }
        AppendError::OtherContent => {
            api.metrics.pushes.conflict.inc();
            Problem::new(409, "Conflict", error.to_string()).at("/id")
        }
    }
}

/// There is no room in the store.
pub(crate) fn full(api: &Api, reason: &str) -> Problem {
    api.metrics.pushes.refused.inc();
    Problem::new(507, "Insufficient storage", reason)
}

/// What is answered to a repetition whose receipt is asked for.
pub(crate) fn unanswered(api: &Api) -> Problem {
    api.metrics.pushes.conflict.inc();
    let detail = "this push was kept before, and its receipt is not known";
    Problem::new(409, "Conflict", detail).at("/id")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::parse;

    fn staged(body: &str) -> KeptPush {
        let push = parse(body.as_bytes()).expect(body);
        stage(Backend::ANYONE, &push).expect(body).push
    }

    fn content(rest: &str) -> u64 {
        let body = format!(r#"{{"id":"0190a6f0-0000-7000-8000-000000000001",{rest}}}"#);
        staged(&body).origin.expect("the backend chose the id").content
    }

    #[test]
    fn a_content_is_what_a_push_says_however_it_is_written() {
        let one = content(r#""to":{"users":["a","b"]},"data":[1],"ttl":60"#);
        // As it stands in stores: another build must find the same.
        assert_eq!(one, 0x22e2_b231_729c_80ad);
        assert_eq!(one, content(r#""ttl": 60, "data":[1], "to":{"users":["b","a","b"]}"#));
        let others = [
            r#""to":{"users":["ab"]},"data":[1],"ttl":60"#,
            r#""to":{"user":"a"},"data":[1],"ttl":60"#,
            r#""to":{"topic":"a"},"data":[1],"ttl":60"#,
            r#""to":{"users":["a","b"]},"data":[2],"ttl":60"#,
            r#""to":{"users":["a","b"]},"data":[1],"ttl":61"#,
            r#""to":{"users":["a","b"]},"data":[1],"ttl":60,"collapse_key":"k"}"#,
            r#""to":{"users":["a","b"]},"data":[1],"ttl":60,"collapse_key":"""#,
            r#""to":{"users":["a","b"]},"data":"AAEC","ttl":60"#,
            r#""to":{"users":["a","b"]},"data_base64":"AAEC","ttl":60"#,
        ];
        let others = others.map(|other| content(other.trim_end_matches('}')));
        for (at, other) in others.iter().enumerate() {
            assert!(*other != one && !others[..at].contains(other), "{at}");
        }
    }

    #[test]
    fn a_push_is_for_each_user_once_and_for_a_topic_alone() {
        let push = staged(r#"{"to":{"users":["b","a","b"]},"data":1,"ttl":7,"collapse_key":"k"}"#);
        let names: Vec<_> = push.logs.iter().map(Log::name).collect();
        assert_eq!((names, push.ttl, push.origin), (vec!["a", "b"], Duration::from_secs(7), None));
        assert_eq!(push.collapse_key.as_deref(), Some("k"));
        let push = staged(r#"{"to":{"topic":"t"},"data_base64":"AAE=","ttl":7}"#);
        assert!(matches!(&push.logs[..], [Log::Topic(_)]));
        assert_eq!(push.payload, KeptPayload::Base64(Bytes::from_static(b"AAE=")));
    }
}
