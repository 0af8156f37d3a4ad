//! What a gateway asks the store: answered many at a time, in the order in which they came as far as that goes.
//!
//! What waits is bounded: beyond it a question is answered with the word that the store cannot be asked, and
//! the gateway asks again. Answers are small frames, which overtake pushes; while as many of them wait as may,
//! no other question is begun.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{StreamExt, stream::FuturesUnordered};
use protocol::{
    Device, UserId,
    link::{StoreAnswer, StoreQuestion},
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{handle::Link, services::Services, store_answers};
use crate::store_metrics::Asked;

/// Most questions that are asked of the store at a time; their answers have at most some 64 KiB each.
const AT_ONCE: usize = 128;
/// Most bytes of questions that wait.
const WAITING_BYTES: usize = 32 * 1024 * 1024;
/// What a question takes beside its names.
const OVERHEAD: usize = 128;

/// A question and the number its answer bears.
struct Waiting {
    question: u64,
    body: StoreQuestion,
    counted: Counted,
}

/// Counts a question until it is answered, or will not be.
struct Counted {
    services: Arc<Services>,
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Counted {
    /// None where as much waits as may.
    fn new(services: &Arc<Services>, all: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        services.metrics.store.waiting.inc();
        let before = all.fetch_add(bytes, Ordering::Relaxed);
        let one = Self { services: Arc::clone(services), all: Arc::clone(all), bytes };
        (before + bytes <= WAITING_BYTES).then_some(one)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.services.metrics.store.waiting.dec();
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Where the questions of one connection are put.
pub(super) struct Asking {
    link: Arc<Link>,
    services: Arc<Services>,
    waiting: UnboundedSender<Waiting>,
    bytes: Arc<AtomicUsize>,
}

/// Where they come out.
pub(super) struct Answering {
    link: Arc<Link>,
    services: Arc<Services>,
    waiting: UnboundedReceiver<Waiting>,
}

/// Both ends.
pub(super) fn queue(link: &Arc<Link>, services: &Arc<Services>) -> (Asking, Answering) {
    let (sender, waiting) = mpsc::unbounded_channel();
    let (link, services) = (Arc::clone(link), Arc::clone(services));
    let answering = Answering { link: Arc::clone(&link), services: Arc::clone(&services), waiting };
    (Asking { link, services, waiting: sender, bytes: Arc::default() }, answering)
}

impl Asking {
    /// Takes in a question.
    pub(super) fn on_question(&self, question: u64, body: StoreQuestion) {
        let metrics = &self.services.metrics.store;
        metrics.asked(kind_of(&body));
        match Counted::new(&self.services, &self.bytes, size_of_question(&body)) {
            // Its other end lives as long as the connection.
            Some(counted) => drop(self.waiting.send(Waiting { question, body, counted })),
            None => {
                metrics.unanswered.inc();
                let reason = "too many questions wait".to_owned();
                self.link.answer_store(question, StoreAnswer::Away(reason));
            }
        }
    }
}

impl Answering {
    /// Answers as long as it is polled.
    pub(super) async fn run(self) -> Infallible {
        let Self { link, services, mut waiting } = self;
        let mut asked = FuturesUnordered::new();
        loop {
            let may_ask = asked.len() < AT_ONCE && !link.is_crowded();
            tokio::select! {
                Some(next) = waiting.recv(), if may_ask => asked.push(answer(&services, next)),
                Some((question, answer)) = asked.next(), if !asked.is_empty() => {
                    link.answer_store(question, answer);
                }
                () = link.eased.notified(), if asked.len() < AT_ONCE && !may_ask => {}
                // Nobody asks any more; the connection ends by itself.
                else => std::future::pending().await,
            }
        }
    }
}

async fn answer(services: &Services, next: Waiting) -> (u64, StoreAnswer) {
    let Waiting { question, body, counted: _counted } = next;
    let answer = store_answers::answer(&services.keeping, body).await;
    if matches!(answer, StoreAnswer::Away(_)) {
        services.metrics.store.unanswered.inc();
    }
    (question, answer)
}

fn kind_of(question: &StoreQuestion) -> Asked {
    match question {
        StoreQuestion::Begin { .. } => Asked::Begin,
        StoreQuestion::Read { .. } => Asked::Read,
        StoreQuestion::Acknowledge(_) => Asked::Acknowledge,
        StoreQuestion::ChangedSince(_) => Asked::Changes,
    }
}

fn size_of_question(question: &StoreQuestion) -> usize {
    let names = |user: &UserId, device: &Option<Device>| {
        user.as_str().len() + device.as_ref().map_or(0, |device| device.as_str().len()) + OVERHEAD
    };
    match question {
        StoreQuestion::Begin { user, device, .. } => names(user, device),
        StoreQuestion::Read { log, .. } => log.name().len() + OVERHEAD,
        StoreQuestion::Acknowledge(all) => {
            OVERHEAD + all.iter().map(|it| names(&it.user, &it.device)).sum::<usize>()
        }
        StoreQuestion::ChangedSince(position) => {
            OVERHEAD + position.as_ref().map_or(0, bytes::Bytes::len)
        }
    }
}
