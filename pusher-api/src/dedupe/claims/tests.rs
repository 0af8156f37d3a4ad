use futures::{FutureExt, join};

use super::*;

const NOT_LONG: Option<Duration> = Some(Duration::from_millis(1));
const LONG: Option<Duration> = Some(Duration::from_secs(3600));

fn dedupe(bytes: usize) -> (Dedupe, IntCounter) {
    let forgotten = IntCounter::new("f", "f").expect("a counter");
    (Dedupe::new(bytes, forgotten.clone()), forgotten)
}

fn key(number: u32) -> Key {
    Key { backend: number, id: [7; 16] }
}

#[actix_rt::test]
async fn an_id_is_claimed_once_until_it_is_given_back() {
    let (dedupe, _) = dedupe(1 << 20);
    let claim = dedupe.claim(key(1), 0, None).await.expect("never seen");
    for _ in 0..2 {
        let again = dedupe.claim(key(1), 0, NOT_LONG).await.map(drop);
        assert_eq!(again, Err(Repeated::UnderWay));
    }
    dedupe.claim(key(2), 0, None).await.expect("another backend's").keep();
    let other = dedupe.claim(key(1), 1, None).await.map(drop);
    assert_eq!(other, Err(Repeated::OtherContent), "and is told at once");
    drop(claim);
    dedupe.claim(key(1), 1, None).await.expect("given back").keep();
    assert_eq!(dedupe.claim(key(1), 1, None).await.map(drop), Err(Repeated::Taken));
    assert_eq!(dedupe.known(), 2);
}

#[actix_rt::test]
async fn a_repetition_waits_for_the_fate_of_the_first() {
    let (dedupe, _) = dedupe(1 << 20);
    let claim = dedupe.claim(key(1), 0, None).await.expect("never seen");
    let (again, ()) = join!(dedupe.claim(key(1), 0, None), async { claim.keep() });
    assert_eq!(again.map(drop), Err(Repeated::Taken));

    let claim = dedupe.claim(key(2), 0, None).await.expect("never seen");
    let (again, ()) = join!(dedupe.claim(key(2), 0, LONG), async { drop(claim) });
    again.expect("given back, and claimed by who waited").keep();
    assert_eq!(dedupe.claim(key(2), 0, None).await.map(drop), Err(Repeated::Taken));
}

#[actix_rt::test]
async fn a_repetition_is_given_the_receipt_of_the_first() {
    let (dedupe, _) = dedupe(1 << 20);
    let answer = Bytes::from_static(b"{}");
    let collecting = dedupe.claim(key(1), 0, None).await.expect("new").keep_collecting();
    let again = dedupe.claim(key(1), 0, None).now_or_never().expect("no need to wait");
    assert_eq!(again.map(drop), Err(Repeated::Taken));
    assert_eq!(dedupe.claim(key(1), 0, NOT_LONG).await.map(drop), Err(Repeated::Unanswered));
    let answering = async { collecting.answered(answer.clone()) };
    let (again, ()) = join!(dedupe.claim(key(1), 0, LONG), answering);
    assert_eq!(again.map(drop), Err(Repeated::Answered(answer.clone())));
    let again = dedupe.claim(key(1), 0, LONG).await.map(drop);
    assert_eq!(again, Err(Repeated::Answered(answer)), "as often as is asked");

    let collecting = dedupe.claim(key(2), 0, None).await.expect("new").keep_collecting();
    let (again, ()) = join!(dedupe.claim(key(2), 0, LONG), async { drop(collecting) });
    assert_eq!(again.map(drop), Err(Repeated::Unanswered), "the first hung up");
    dedupe.claim(key(3), 0, None).await.expect("new").keep();
    let again = dedupe.claim(key(3), 0, LONG).await.map(drop);
    assert_eq!(again, Err(Repeated::Unanswered), "the first asked for none");
}

#[actix_rt::test]
async fn ids_and_receipts_are_known_for_five_minutes() {
    tokio::time::pause();
    let (dedupe, forgotten) = dedupe(1 << 20);
    let claim = async |number| dedupe.claim(key(number), 0, NOT_LONG).await;
    let answer = |number: u32| Bytes::from(number.to_string());
    // At the start, and when some time has passed.
    for number in [0, 10] {
        claim(number).await.expect("never seen").keep_collecting().answered(answer(number));
        tokio::time::advance(Duration::from_secs(300)).await;
        // Another one lets those go whose time is over.
        let collecting = claim(number + 1).await.expect("never seen").keep_collecting();
        collecting.answered(answer(number + 1));
        for known in [number, number + 1] {
            let again = claim(known).await.map(drop);
            assert_eq!(again, Err(Repeated::Answered(answer(known))));
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(claim(number).await.expect("forgotten"));
    }
    assert_eq!(forgotten.get(), 0, "all had their time");
}

#[actix_rt::test]
async fn ids_forgotten_early_are_counted() {
    let (dedupe, forgotten) = dedupe(0);
    let all = 1000;
    for number in 0..all {
        dedupe.claim(key(number), 0, None).await.expect("never seen").keep();
    }
    assert_eq!((dedupe.known(), dedupe.most()), (PARTS, PARTS));
    assert_eq!(forgotten.get(), u64::from(all) - PARTS as u64);
    assert_eq!(dedupe.claim(key(all - 1), 0, None).await.map(drop), Err(Repeated::Taken));
    let mut under_way = Vec::new();
    for number in all..2 * all {
        under_way.push(dedupe.claim(key(number), 0, None).await.expect("never seen"));
    }
    assert_eq!(forgotten.get(), u64::from(2 * all) - PARTS as u64, "not remembered is forgotten");
}

#[test]
fn contents_differ() {
    let (dedupe, _) = dedupe(0);
    assert_eq!(dedupe.content(&"a"), dedupe.content(&"a"));
    assert_ne!(dedupe.content(&"a"), dedupe.content(&"b"));
}
