//! The actor context of a session: the mailbox, and what `ctx.spawn` was given, if anything.
//!
//! actix's own `Context` keeps room for futures, handles and flags in every actor. A session is
//! polled by [`SessionFuture`], which knows what to poll, so the context can be this small; `Addr`,
//! `Handler` and `do_send` work as with any actor. It is kept alive by its future and not by
//! addresses, all of which are weak.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix::{
    Actor, ActorContext, ActorFuture, ActorState, Addr, AsyncContext, Handler, Message,
    SpawnHandle,
    dev::{Envelope, EnvelopeProxy, OneshotSender, ToEnvelope, channel::AddressReceiver},
};
use futures::StreamExt;

use super::{Session, Stage};

/// Messages handled before other sessions of the worker get their turn.
const MESSAGES_PER_POLL: usize = 64;

type Spawned = Pin<Box<dyn ActorFuture<Session, Output = ()>>>;

#[derive(Default)]
struct Futures {
    items: Vec<(SpawnHandle, Spawned)>,
    /// While it runs, messages wait.
    waiting: Option<Spawned>,
    last: SpawnHandle,
}

/// The context of a [`Session`].
pub struct SessionContext {
    mailbox: AddressReceiver<Session>,
    futures: Option<Box<Futures>>,
    state: ActorState,
}

impl SessionContext {
    /// A context that reads this mailbox.
    pub fn new(mailbox: AddressReceiver<Session>) -> Self {
        Self { mailbox, futures: None, state: ActorState::Started }
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

/// A session at work: polled by the runtime when its socket or its mailbox has something.
pub struct SessionFuture {
    session: Session,
    context: SessionContext,
}

impl SessionFuture {
    /// Starts the actor.
    pub fn new(mut session: Session, mut context: SessionContext) -> Self {
        session.started(&mut context);
        context.state = ActorState::Running;
        Self { session, context }
    }

    /// Handles messages; true if there may be more.
    fn poll_mailbox(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..MESSAGES_PER_POLL {
            if self.context.waiting() || self.session.stage == Stage::Gone {
                return false;
            }
            match self.context.mailbox.poll_next_unpin(cx) {
                Poll::Ready(Some(mut envelope)) => {
                    envelope.handle(&mut self.session, &mut self.context);
                }
                // Every address is weak, so that no sender is left means nothing.
                Poll::Ready(None) | Poll::Pending => return false,
            }
        }
        true
    }

    fn poll_futures(&mut self, cx: &mut Context<'_>) {
        let Self { session, context } = self;
        let Some(mut futures) = context.futures.take() else { return };
        if let Some(waiting) = &mut futures.waiting
            && waiting.as_mut().poll(session, context, cx).is_ready()
        {
            futures.waiting = None;
            // Messages that came meanwhile have not been looked at.
            cx.waker().wake_by_ref();
        }
        futures
            .items
            .retain_mut(|(_, future)| future.as_mut().poll(session, context, cx).is_pending());
        // What was spawned by the futures just polled joins them.
        if let Some(new) = context.futures.take() {
            futures.items.extend(new.items);
            futures.waiting = futures.waiting.or(new.waiting);
            cx.waker().wake_by_ref();
        }
        if !futures.items.is_empty() || futures.waiting.is_some() {
            context.futures = Some(futures);
        }
    }
}

impl Future for SessionFuture {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.poll_futures(cx);
        let mut again = this.poll_mailbox(cx);
        again |= this.session.poll_read(&mut this.context, cx);
        this.session.poll_write(cx);
        this.session.shed();
        if this.session.stage == Stage::Gone || this.context.state.stopping() {
            this.session.stopped(&mut this.context);
            return Poll::Ready(());
        }
        if again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
