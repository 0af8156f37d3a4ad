//! The actor context of a session: the mailbox, and what `ctx.spawn` was given, if anything.
//!
//! actix's own `Context` keeps room for futures, handles and flags in every actor. A session is
//! run by [`Runner`], which knows what to poll, so the context can be this small; `Addr`,
//! `Handler` and `do_send` work as with any actor. It is kept alive by its worker and not by
//! addresses, all of which are weak.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use actix::{
    Actor, ActorContext, ActorFuture, ActorState, Addr, AsyncContext, Handler, Message,
    SpawnHandle,
    dev::{Envelope, EnvelopeProxy, OneshotSender, ToEnvelope, channel::AddressReceiver},
};
use futures::StreamExt;

use super::state::{Address, Session, Stage};

/// Messages handled before other sessions of the worker get their turn.
const MESSAGES_PER_TURN: usize = 64;

type Spawned = Pin<Box<dyn ActorFuture<Session, Output = ()>>>;

#[derive(Default)]
struct Futures {
    items: Vec<(SpawnHandle, Spawned)>,
    /// While it runs, messages wait.
    waiting: Option<Spawned>,
    last: SpawnHandle,
}

impl Actor for Session {
    type Context = SessionContext;
}

/// The context of a [`Session`].
pub(crate) struct SessionContext {
    mailbox: AddressReceiver<Session>,
    futures: Option<Box<Futures>>,
    state: ActorState,
    /// Whether the mailbox may hold messages that this turn has no room for.
    behind: bool,
}

impl SessionContext {
    /// Whether messages may be waiting in the mailbox.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind || self.waiting()
    }

    /// A context that reads this mailbox.
    pub(crate) fn new(mailbox: AddressReceiver<Session>) -> Self {
        Self { mailbox, futures: None, state: ActorState::Started, behind: false }
    }
}

impl ActorContext for SessionContext {
    fn stop(&mut self) {
        self.state = ActorState::Stopping;
    }

    fn terminate(&mut self) {
        self.state = ActorState::Stopped;
    }

    fn state(&self) -> ActorState {
        self.state
    }
}

impl AsyncContext<Session> for SessionContext {
    fn address(&self) -> Addr<Session> {
        Addr::new(self.mailbox.sender())
    }

    fn spawn<F>(&mut self, future: F) -> SpawnHandle
    where
        F: ActorFuture<Session, Output = ()> + 'static,
    {
        let futures = self.futures.get_or_insert_default();
        let handle = futures.last.next();
        futures.last = handle;
        futures.items.push((handle, Box::pin(future)));
        handle
    }

    fn wait<F>(&mut self, future: F)
    where
        F: ActorFuture<Session, Output = ()> + 'static,
    {
        self.futures.get_or_insert_default().waiting = Some(Box::pin(future));
    }

    fn waiting(&self) -> bool {
        self.futures.as_ref().is_some_and(|futures| futures.waiting.is_some())
    }

    fn cancel_future(&mut self, handle: SpawnHandle) -> bool {
        let Some(futures) = &mut self.futures else { return false };
        let before = futures.items.len();
        futures.items.retain(|(other, _)| *other != handle);
        futures.items.len() < before
    }
}

impl<M> ToEnvelope<Session, M> for SessionContext
where
    Session: Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn pack(message: M, answer: Option<OneshotSender<M::Result>>) -> Envelope<Session> {
        Envelope::new(message, answer)
    }
}

/// A session at work: run by its worker when its socket, its mailbox or its deadline has something.
pub(crate) struct Runner {
    session: Session,
    context: SessionContext,
    waker: Waker,
}

/// What is to be done with a session that had its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing until it is woken.
    Rest,
    /// It has more to do, when others have had their turn.
    Again,
    /// It is over.
    Over,
}

impl Runner {
    /// Starts the actor; `waker` calls the worker when the mailbox has something.
    pub(crate) fn new(mut session: Session, mut context: SessionContext, waker: Waker) -> Self {
        session.started(&mut context);
        context.state = ActorState::Running;
        Self { session, context, waker }
    }

    /// The session, to be looked at.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Where the actor is reached.
    pub(crate) fn address(&self) -> Address {
        self.context.address().downgrade()
    }

    /// Handles what is in the mailbox, does `work`, and writes what can be written.
    pub(crate) fn turn(
        &mut self,
        work: impl FnOnce(&mut Session, &mut SessionContext) -> bool,
    ) -> After {
        self.poll_futures();
        self.context.behind = self.poll_mailbox();
        let again = work(&mut self.session, &mut self.context) | self.context.behind;
        self.session.flush();
        self.session.go_on_reading(&self.context);
        self.session.shed();
        self.session.keep_books();
        match again {
            _ if self.session.stage == Stage::Gone || self.context.state.stopping() => {
                self.refuse_messages();
                self.session.stopped(&mut self.context);
                After::Over
            }
            true => After::Again,
            false => After::Rest,
        }
    }

    /// Handles messages; true if there may be more.
    fn poll_mailbox(&mut self) -> bool {
        let Self { session, context, waker } = self;
        let mut cx = Context::from_waker(waker);
        for _ in 0..MESSAGES_PER_TURN {
            if context.waiting() || session.stage == Stage::Gone {
                return false;
            }
            match context.mailbox.poll_next_unpin(&mut cx) {
                Poll::Ready(Some(mut envelope)) => envelope.handle(session, context),
                // Every address is weak, so that no sender is left means nothing.
                Poll::Ready(None) | Poll::Pending => return false,
            }
        }
        true
    }

    /// What is left in the mailbox of a session that is over hears so, message by message: a push
    /// that wanted a receipt has an outcome, and a question an answer.
    fn refuse_messages(&mut self) {
        self.session.stage = Stage::Gone;
        let mut cx = Context::from_waker(&self.waker);
        while let Poll::Ready(Some(mut envelope)) = self.context.mailbox.poll_next_unpin(&mut cx) {
            envelope.handle(&mut self.session, &mut self.context);
        }
    }

    fn poll_futures(&mut self) {
        let Self { session, context, waker } = self;
        let Some(mut futures) = context.futures.take() else { return };
        let mut cx = Context::from_waker(waker);
        if let Some(waiting) = &mut futures.waiting
            && waiting.as_mut().poll(session, context, &mut cx).is_ready()
        {
            futures.waiting = None;
        }
        futures
            .items
            .retain_mut(|(_, future)| future.as_mut().poll(session, context, &mut cx).is_pending());
        // What was spawned by the futures just polled joins them, and is polled in the next turn.
        if let Some(new) = context.futures.take() {
            futures.items.extend(new.items);
            futures.waiting = futures.waiting.or(new.waiting);
            waker.wake_by_ref();
        }
        if !futures.items.is_empty() || futures.waiting.is_some() {
            context.futures = Some(futures);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_fits_into_a_size_class_of_the_allocator() {
        assert!(size_of::<Runner>() <= 128, "{}", size_of::<Runner>());
    }
}
