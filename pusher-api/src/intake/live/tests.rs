use futures::{FutureExt, join};

use super::*;
use crate::{
    engine::contract::{Refused, StoredPush},
    intake::check::check,
    settings::Settings,
    status::GatewayIndex,
};

const NAMED: &[u8] = br#"{"to":{"user":"u"},"data":1,"id":"0190a6f0-0000-7000-8000-000000000001"}"#;
const LONG: Option<Duration> = Some(Duration::from_secs(3600));
const NOT_LONG: Option<Duration> = Some(Duration::from_millis(1));

fn api() -> Api {
    let settings = Settings { pending_receipts: 1, ..Settings::default() };
    Api::new(&settings).expect("no file is read")
}

/// The dispatch of an engine that has to ask elsewhere, and hears this, or never anything.
struct Remote(Option<Result<Handed, Refused>>);

fn handed() -> Handed {
    Handed { gateways: [GatewayIndex(1)].into_iter().collect(), ..Handed::default() }
}

impl Dispatch for Remote {
    async fn add(&mut self, _: &NamedPush<'_>) -> Result<Handed, Refused> {
        tokio::task::yield_now().await;
        match self.0.clone() {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    async fn tell(&mut self, _: &StoredPush<'_>) -> Handed {
        handed()
    }

    fn flush(&mut self) {}
}

async fn stage_as<'a>(
    api: &'a Api,
    backend: Backend,
    body: &'a [u8],
    receipt: Option<Duration>,
) -> Result<Staged<'a, 'a>, Problem> {
    stage(api, backend, check(api, body)?, receipt).await
}

async fn staged(api: &Api) -> Fresh<'_, '_> {
    match stage_as(api, Backend::ANYONE, NAMED, NOT_LONG).await.expect("a push") {
        Staged::Fresh(push) => push,
        other => panic!("seen before: {other:?}"),
    }
}

#[actix_rt::test]
async fn what_was_committed_is_a_duplicate_from_then_on() {
    let api = api();
    let push = staged(&api).await;
    let mut remote = Remote(Some(Ok(handed())));
    let committing = commit(&api, &mut remote, push, false);
    // The second one comes while the first is under way, and waits for what becomes of it.
    let again = stage_as(&api, Backend::ANYONE, NAMED, None);
    let (again, forwarded) = join!(again, committing);
    let forwarded = forwarded.expect("forwarded");
    assert_eq!(forwarded.handed, handed());
    assert!(matches!(again, Ok(Staged::Duplicate(id)) if id == forwarded.id));
    let reordered =
        br#"{"id":"0190a6f0-0000-7000-8000-000000000001", "data": 1,"to":{"user":"u"}}"#;
    let again = stage_as(&api, Backend::ANYONE, reordered, None).await;
    assert!(matches!(again, Ok(Staged::Duplicate(id)) if id == forwarded.id));
    assert_eq!((api.metrics.pushes.accepted.get(), api.metrics.pushes.duplicate.get()), (1, 2));
}

#[actix_rt::test]
async fn the_same_id_with_another_content_is_a_conflict() {
    let api = api();
    commit(&api, &mut Remote(Some(Ok(handed()))), staged(&api).await, false)
        .await
        .expect("forwarded");
    let with = |to: &str, rest: &str| {
        format!(r#"{{"to":{to},{rest},"id":"0190a6f0-0000-7000-8000-000000000001"}}"#)
    };
    let others = [
        with(r#"{"user":"v"}"#, r#""data":1"#),
        with(r#"{"users":["u"]}"#, r#""data":1"#),
        with(r#"{"topic":"u"}"#, r#""data":1"#),
        with(r#"{"user":"u"}"#, r#""data":2"#),
        with(r#"{"user":"u"}"#, r#""data_base64":"AAEC""#),
    ];
    for (count, other) in (1..).zip(&others) {
        let again = stage_as(&api, Backend::ANYONE, other.as_bytes(), None).await;
        let problem = again.map(drop).expect_err("a conflict");
        assert_eq!((problem.status, problem.pointer.as_deref()), (409, Some("/id")), "{other}");
        assert_eq!(api.metrics.pushes.conflict.get(), count);
    }
    let other_backend = Backend::ANYONE.with_ids(7);
    let theirs = stage_as(&api, other_backend, others[0].as_bytes(), None).await;
    assert!(matches!(theirs, Ok(Staged::Fresh(_))), "ids of backends are apart");
}

#[actix_rt::test]
async fn a_repetition_that_asks_for_a_receipt_gets_that_of_the_first_or_is_told() {
    let api = api();
    let push = staged(&api).await;
    let forwarded =
        commit(&api, &mut Remote(Some(Ok(handed()))), push, true).await.expect("forwarded");
    let refused = stage_as(&api, Backend::ANYONE, NAMED, NOT_LONG).await.map(drop);
    assert_eq!(refused.expect_err("not in time").status, 409);
    let answer = Bytes::from_static(b"{}");
    forwarded.collecting.expect("the first asked for one").answered(answer.clone());
    let again = stage_as(&api, Backend::ANYONE, NAMED, LONG).await;
    assert!(matches!(again, Ok(Staged::Answered(given)) if given == answer));
    let again = stage_as(&api, Backend::ANYONE, NAMED, None).await;
    assert!(matches!(again, Ok(Staged::Duplicate(_))), "who asks for none gets none");
}

#[actix_rt::test]
async fn who_cannot_wait_for_a_push_under_way_is_told_to_come_again() {
    let api = api();
    let push = staged(&api).await;
    let again = stage_as(&api, Backend::ANYONE, NAMED, NOT_LONG).await.map(drop);
    let problem = again.expect_err("undecided");
    assert_eq!((problem.status, problem.retry_after), (503, Some(1)));
    drop(push);
    staged(&api).await;
}

#[actix_rt::test]
async fn what_was_refused_may_come_again() {
    let api = api();
    for refused in [Refused::NoGateway, Refused::Full("g".into())] {
        let mut remote = Remote(Some(Err(refused.clone())));
        let committed = commit(&api, &mut remote, staged(&api).await, false).await;
        let problem = committed.map(drop).expect_err("refused");
        assert_eq!((problem.status, problem.detail), (503, refused.to_string()));
    }
    assert_eq!((api.metrics.pushes.refused.get(), api.metrics.pushes.accepted.get()), (2, 0));
    staged(&api).await;
}

#[actix_rt::test]
async fn what_nobody_can_wait_for_may_come_again() {
    let api = api();
    let waiting = api.receipts.expect(MessageId::generate());
    let mut remote = Remote(Some(Ok(handed())));
    let refused = commit(&api, &mut remote, staged(&api).await, true).await.map(drop);
    refused.expect_err("too many receipts");
    drop(waiting);
    commit(&api, &mut remote, staged(&api).await, true).await.expect("room for one");
}

#[actix_rt::test]
async fn a_push_whose_request_ends_half_way_was_never_here() {
    let api = api();
    drop(staged(&api).await);
    let mut remote = Remote(None);
    let mut committing = Box::pin(commit(&api, &mut remote, staged(&api).await, true));
    assert!(committing.as_mut().now_or_never().is_none());
    assert_eq!(api.receipts.pending(), 1);
    drop(committing);
    assert_eq!(api.receipts.pending(), 0);
    staged(&api).await;
}

#[actix_rt::test]
async fn ids_are_made_for_pushes_without_one() {
    let api = api();
    let body = br#"{"to":{"topic":"t"},"data":1}"#;
    let mut ids = Vec::new();
    for _ in 0..2 {
        match stage_as(&api, Backend::ANYONE, body, None).await.expect("a push") {
            Staged::Fresh(push) => ids.push(push.id),
            other => panic!("seen before: {other:?}"),
        }
    }
    assert_ne!(ids[0], ids[1]);
}
