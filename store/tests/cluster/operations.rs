//! The contract, each operation a run of one script in one partition for each log.
//!
//! Nothing here waits as a task does: the spike is asked by one task at a time.

use std::collections::BTreeMap;

use protocol::{
    Device, UserId,
    kept::{Log, Place, Step},
};
use store::contract::{
    Acknowledged, AppendError, Appended, Changes, From, ID_REMEMBERED, KeptPush, Page, Position,
    Room, Standing, Store, StoreError,
};
use uuid::Uuid;

use super::{
    client::Call,
    kept::{page, payload_arguments, place, place_arguments, room_arguments},
    partitions::name,
    resp::Value,
    store::RedisStore,
};

/// What the interface says by default.
const DEVICE_KEPT_MS: u64 = 28 * 24 * 60 * 60 * 1000;
const DEVICES_PER_USER: u64 = 32;

impl Store for RedisStore {
    fn id(&self) -> Uuid {
        self.0.id
    }

    async fn append(&self, push: KeptPush) -> Result<Appended, AppendError> {
        self.claim(&push)?;
        let calls: Vec<_> = push.logs.iter().map(|log| self.append_to(log, &push)).collect();
        let mut steps = Vec::new();
        // All have run when one has failed.
        for (log, answer) in push.logs.iter().zip(self.0.run(&calls)) {
            let mut values = self.0.heard(self.0.partitions.of(log), answer?);
            let before = values.next().map(place);
            steps.push(before.map(|before| Step { before, place: place(values.next().unwrap()) }));
        }
        Ok(Appended { steps })
    }

    async fn begin(
        &self,
        user: UserId,
        device: Option<Device>,
        after: Option<Place>,
        room: Room,
    ) -> Result<Page, StoreError> {
        let place = after.map_or([Vec::new(), Vec::new()], place_arguments);
        let kept = [DEVICE_KEPT_MS, DEVICES_PER_USER].map(|number| number.to_string().into_bytes());
        let rest = [
            vec![device_argument(device.as_ref())],
            place.into(),
            room_arguments(room).into(),
            kept.into(),
        ];
        Ok(page(self.0.ask(&self.0.scripts.begin, &Log::User(user), rest.concat())?))
    }

    async fn read(&self, log: Log, from: From, room: Room) -> Result<Page, StoreError> {
        let (from, place) = match from {
            From::After(place) => ("after", place),
            From::Start => ("start", Place::START),
            From::Now => ("now", Place::START),
        };
        let rest = [vec![from.into()], place_arguments(place).into(), room_arguments(room).into()];
        Ok(page(self.0.ask(&self.0.scripts.read, &log, rest.concat())?))
    }

    async fn acknowledge(&self, acknowledged: Vec<Acknowledged>) -> Result<(), StoreError> {
        let mut by_user: BTreeMap<UserId, Vec<Vec<u8>>> = BTreeMap::new();
        for Acknowledged { user, device, place } in acknowledged {
            let arguments = by_user.entry(user).or_default();
            arguments.push(device_argument(device.as_ref()));
            arguments.extend(place_arguments(place));
        }
        let script = &self.0.scripts.acknowledge;
        let calls: Vec<_> = by_user
            .into_iter()
            .map(|(user, rest)| self.0.in_log(script, &Log::User(user), rest))
            .collect();
        self.0.run(&calls).into_iter().try_for_each(|answer| answer.map(|_| ()))
    }

    async fn changed_since(&self, position: Option<Position>) -> Result<Changes, StoreError> {
        self.changed(position)
    }

    async fn forget(&self, log: Log) -> Result<u64, StoreError> {
        let mut values = self.0.ask(&self.0.scripts.forget, &log, Vec::new())?;
        Ok(values.next().unwrap().number())
    }

    async fn standing(&self, log: Log) -> Result<Standing, StoreError> {
        let mut values = self.0.ask(&self.0.scripts.standing, &log, Vec::new())?;
        let mut next = || values.next().unwrap();
        Ok(Standing {
            messages: next().number(),
            bytes: next().number(),
            oldest_ms: next().text().parse().ok(),
            end: place(next()),
        })
    }
}

impl RedisStore {
    /// Takes the id of a push, in the partition that the id has.
    fn claim(&self, push: &KeptPush) -> Result<(), AppendError> {
        let Some(origin) = push.origin else { return Ok(()) };
        let (high, low) = push.id.0.as_u64_pair();
        let partition = self.0.partitions.by_hash(high ^ low ^ origin.scope);
        let keys =
            vec![format!("{}i:{}:{}", self.0.partitions.key(partition), origin.scope, push.id)];
        let remembered = ID_REMEMBERED.as_millis().to_string();
        let arguments = [self.0.ahead(), origin.content.to_string(), remembered];
        let arguments = arguments.map(String::into_bytes).into();
        let call = Call { script: &self.0.scripts.claim, keys, arguments, may_repeat: true };
        match self.0.run(&[call]).remove(0)? {
            Value::Number(1) => Ok(()),
            _ => Err(AppendError::OtherContent),
        }
    }

    fn append_to<'a>(&'a self, log: &Log, push: &KeptPush) -> Call<'a> {
        let most = match log {
            Log::User(_) => self.0.limits.user,
            Log::Topic(_) => self.0.limits.topic,
        };
        let text = |number: u128| number.to_string().into_bytes();
        let [kind, payload] = payload_arguments(&push.payload);
        let rest = vec![
            push.id.0.as_bytes().to_vec(),
            text(ID_REMEMBERED.as_millis()),
            kind,
            payload,
            push.collapse_key.as_deref().unwrap_or_default().into(),
            text(push.ttl.as_millis()),
            text(most.messages.into()),
            text(most.bytes.into()),
        ];
        let mut call = self.0.in_log(&self.0.scripts.append, log, rest);
        call.may_repeat = push.origin.is_some();
        if let Some(origin) = push.origin {
            let key = format!("{}i:{}:{}:{}", call.keys[0], name(log), origin.scope, push.id);
            call.arguments.push(key.clone().into_bytes());
            call.keys.push(key);
        }
        call
    }
}

/// Its name; that of all without one begins as no name may.
fn device_argument(device: Option<&Device>) -> Vec<u8> {
    device.map_or(b"\x01".to_vec(), |device| device.as_str().into())
}
