//! One question of a gateway, put to the store.

use bytes::Bytes;
use protocol::{
    Topic,
    link::{LogPage, StoreAnswer, StoreQuestion},
};
use store::contract::{Changes, Page, Position, Room, Store, StoreError};

use crate::keeping::{any_store::AnyStore, frame::kept_frame, in_use::Keeping};

/// What is read in one go: less than a gateway is behind with at any time.
const ROOM: Room = Room { messages: 128, bytes: 64 * 1024 };

/// The answer of the store, or that there is none now.
pub(super) async fn answer(keeping: &Keeping, question: StoreQuestion) -> StoreAnswer {
    let Some(store) = keeping.store() else {
        return StoreAnswer::Away("this pusher-api keeps nothing".to_owned());
    };
    let answered = asked(store, question).await;
    answered.unwrap_or_else(|StoreError::Away(reason)| StoreAnswer::Away(reason))
}

async fn asked(store: &AnyStore, question: StoreQuestion) -> Result<StoreAnswer, StoreError> {
    Ok(match question {
        StoreQuestion::Begin { user, device, after } => {
            page(store.begin(user, device, after, ROOM).await?, None)
        }
        StoreQuestion::Read { log, from } => {
            let topic = log.topic().cloned();
            page(store.read(log, from, ROOM).await?, topic.as_ref())
        }
        StoreQuestion::Acknowledge(all) => {
            store.acknowledge(all).await?;
            StoreAnswer::Acknowledged
        }
        StoreQuestion::ChangedSince(position) => {
            let changes = store.changed_since(position.map(Position)).await?;
            let Changes { heads, through: Position(position), more } = changes;
            StoreAnswer::Changes { heads, position, more }
        }
    })
}

fn page(page: Page, topic: Option<&Topic>) -> StoreAnswer {
    let Page { from, gaps, messages, through, rest } = page;
    let messages = messages.into_iter().map(|message| {
        (message.place, Bytes::from(kept_frame(message.id, &message.payload, topic)))
    });
    StoreAnswer::Page(LogPage { from, gaps, messages: messages.collect(), through, rest })
}
