//! Reads what is missing of the logs of topics, for all who are subscribed here.

use std::{sync::Arc, time::Instant};

use protocol::{
    Topic,
    kept::{From, Gap, Log, Place, Step},
    link::{LogPage, StoreAnswer, StoreQuestion},
    server_frame::ServerFrame,
};

use super::{
    fan_out::FanOut,
    feeds::Read,
    frame::{FrameMemory, Kept, SharedFrame},
    message::Push,
};
use crate::{directory::Directory, runtime::acceptance::Accepted};

/// What it takes to fan out what a store says.
pub(crate) struct TopicReader<A> {
    directory: Arc<Directory<A>>,
    fan_out: Arc<FanOut>,
    memory: Arc<FrameMemory>,
}

impl<A: Send + Sync + 'static> TopicReader<A> {
    pub(crate) fn new(
        directory: &Arc<Directory<A>>,
        fan_out: &Arc<FanOut>,
        memory: &Arc<FrameMemory>,
    ) -> Self {
        let (directory, fan_out) = (Arc::clone(directory), Arc::clone(fan_out));
        Self { directory, fan_out, memory: Arc::clone(memory) }
    }

    /// Takes a message of a topic that has come.
    pub(crate) fn take(self, topic: &Topic, push: &Push) {
        let missing = self.fan_out.feeds.on_push(topic, push, |push| self.send(topic, push));
        self.read_from(topic, missing);
    }

    /// Takes note that the log of a topic ends there.
    pub(crate) fn look(self, topic: &Topic, end: Place) {
        let missing = self.fan_out.feeds.on_head(topic, end);
        self.read_from(topic, missing);
    }

    fn send(&self, topic: &Topic, push: &Push) {
        self.fan_out.to_topic(topic.as_str(), &self.directory.topics, push);
    }

    fn read_from(self, topic: &Topic, from: Option<Place>) {
        let Some(from) = from else { return };
        let directory = Arc::clone(&self.directory);
        let question =
            StoreQuestion::Read { log: Log::Topic(topic.clone()), from: From::After(from) };
        let topic = topic.clone();
        let asker = Box::new(move |answer| self.on_answer(&topic, answer));
        directory.stores.ask(question, Instant::now(), asker);
    }

    fn on_answer(self, topic: &Topic, answer: StoreAnswer) {
        let StoreAnswer::Page(page) = answer else {
            return self.fan_out.feeds.on_failure(topic);
        };
        let pushes = self.pushes_of(topic, &page);
        let is_believed = !page.gaps.iter().any(|gap| gap == Gap::UnknownCursor);
        let read = Read { through: page.through, is_end: page.rest == 0, is_believed };
        let send = |push: &Push| self.send(topic, push);
        let missing = self.fan_out.feeds.on_read(topic, &pushes, read, send);
        self.read_from(topic, missing);
    }

    /// What is to be fanned out: why something is missing, and what is there.
    fn pushes_of(&self, topic: &Topic, page: &LogPage) -> Vec<Push> {
        let (mut scratch, mut before) = (Vec::new(), page.from);
        let name = Some(topic.as_str());
        let gaps = page.gaps.iter().map(|gap| {
            let frame = ServerFrame::Gap { reason: gap.as_str(), topic: name }.encode();
            SharedFrame::new(&frame, &self.memory, &mut scratch)
        });
        let mut frames: Vec<_> = gaps.collect();
        let log = Log::Topic(topic.clone());
        for (place, frame) in &page.messages {
            let step = Step { before: std::mem::replace(&mut before, *place), place: *place };
            let kept = Kept { log: log.clone(), step };
            frames.push(SharedFrame::kept_at(frame, kept, &self.memory, &mut scratch));
        }
        let accepted = Accepted::now();
        frames.into_iter().map(|frame| Push { frame, accepted, receipt: None }).collect()
    }
}
