use futures::FutureExt;

use super::*;
use crate::{engine::contract::Refused, settings::Settings};

const NAMED: &[u8] = br#"{"to":{"user":"u"},"data":1,"id":"0190a6f0-0000-7000-8000-000000000001"}"#;

fn api() -> Api {
    let settings = Settings { pending_receipts: 1, ..Settings::default() };
    Api::new(&settings).expect("no file is read")
}

/// The dispatch of an engine that has to ask elsewhere, and hears this, or never anything.
struct Remote(Option<Result<usize, Refused>>);

impl Dispatch for Remote {
    async fn add(&mut self, _: &NamedPush<'_>) -> Result<usize, Refused> {
        tokio::task::yield_now().await;
        match self.0.clone() {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    fn flush(&mut self) {}

    async fn eased(&self) {}
}

fn staged(api: &Api) -> Fresh<'_> {
    match stage(api, NAMED).expect("a push") {
        Staged::Fresh(push) => push,
        Staged::Duplicate(id) => panic!("{id} was seen before"),
    }
}

#[actix_rt::test]
async fn what_was_committed_is_a_duplicate_from_then_on() {
    let api = api();
    let push = staged(&api);
    assert!(matches!(stage(&api, NAMED), Ok(Staged::Duplicate(id)) if id == push.id));
    let forwarded = commit(&api, &mut Remote(Some(Ok(2))), push, false).await.expect("forwarded");
    assert_eq!(forwarded.gateways, 2);
    assert!(matches!(stage(&api, NAMED), Ok(Staged::Duplicate(id)) if id == forwarded.id));
    assert_eq!((api.metrics.accepted.get(), api.metrics.duplicate.get()), (1, 2));
}

#[actix_rt::test]
async fn what_was_refused_may_come_again() {
    let api = api();
    for refused in [Refused::NoGateway, Refused::Full("g".into())] {
        let mut remote = Remote(Some(Err(refused.clone())));
        let problem = commit(&api, &mut remote, staged(&api), false).await.expect_err("refused");
        assert_eq!((problem.status, problem.detail), (503, refused.to_string()));
    }
    assert_eq!((api.metrics.refused.get(), api.metrics.accepted.get()), (2, 0));
    staged(&api);
}

#[actix_rt::test]
async fn what_nobody_can_wait_for_may_come_again() {
    let api = api();
    let waiting = api.receipts.expect(MessageId::generate());
    let mut remote = Remote(Some(Ok(1)));
    commit(&api, &mut remote, staged(&api), true).await.expect_err("too many receipts");
    drop(waiting);
    commit(&api, &mut remote, staged(&api), true).await.expect("room for one");
}

#[actix_rt::test]
async fn a_push_whose_request_ends_half_way_was_never_here() {
    let api = api();
    drop(staged(&api));
    let mut remote = Remote(None);
    let mut committing = Box::pin(commit(&api, &mut remote, staged(&api), true));
    assert!(committing.as_mut().now_or_never().is_none());
    assert_eq!(api.receipts.pending(), 1);
    drop(committing);
    assert_eq!(api.receipts.pending(), 0);
    staged(&api);
}

#[test]
fn ids_are_made_for_pushes_without_one() {
    let api = api();
    let body = br#"{"to":{"topic":"t"},"data":1}"#;
    let ids = [(); 2].map(|()| match stage(&api, body).expect("a push") {
        Staged::Fresh(push) => push.id,
        Staged::Duplicate(id) => panic!("{id} was seen before"),
    });
    assert_ne!(ids[0], ids[1]);
}
