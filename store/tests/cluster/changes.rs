//! Positions: the store, and how far each partition is and was told.

use bytes::{Buf, BufMut, Bytes};
use protocol::{
    Topic, UserId,
    kept::{Log, Place},
};
use store::contract::{Changes, Position, StoreError};

use super::{kept::place, resp::Value, store::RedisStore};

/// Most logs that a partition names at once.
const MOST: usize = 1000;

/// How far a partition was heard of.
#[derive(Debug, Clone, Copy)]
struct Told {
    place: Place,
    /// Up to this number, all changes were told: less than the place's while there is more.
    number: u64,
}

impl RedisStore {
    /// Asks every partition what has changed: a run of a small script for each, those of a server at once.
    pub(crate) fn changed(&self, position: Option<Position>) -> Result<Changes, StoreError> {
        let store = &*self.0;
        let count = store.partitions.count();
        let told = position.as_ref().map(|position| self.read(position));
        let start = Told { place: Place::START, number: 0 };
        let call = |partition| {
            let (from, told) = match &told {
                None => ("now", start),
                Some(None) => ("after", start),
                Some(Some(told)) => ("after", told[partition]),
            };
            let rest =
                [from.into(), told.number.to_string(), MOST.to_string()].map(String::into_bytes);
            store.in_partition(&store.scripts.changed, partition, told.place, rest.to_vec())
        };
        let answers = store.run(&(0..count).map(call).collect::<Vec<_>>());
        let mut changes =
            Changes { heads: Vec::new(), through: Position(Bytes::new()), more: false };
        let mut through = store.id.as_bytes().to_vec();
        for (partition, answer) in answers.into_iter().enumerate() {
            let answer = answer?;
            let at = place(Value::List(answer.clone().list()[..2].to_vec()));
            let mut values = store.heard(partition, answer);
            changes.heads.extend(values.next().unwrap().list().into_iter().map(head));
            through.put_u64(at.number);
            through.put_u32(at.check);
            through.put_u64(values.next().unwrap().number());
            changes.more |= values.next().unwrap().number() == 1;
        }
        changes.through = Position(through.into());
        Ok(changes)
    }

    /// What a position says, if it is of this store and as many partitions.
    fn read(&self, position: &Position) -> Option<Vec<Told>> {
        let mut rest = position.0.strip_prefix(self.0.id.as_bytes())?;
        let mut told = Vec::new();
        while rest.len() >= 20 {
            let place = Place { number: rest.get_u64(), check: rest.get_u32() };
            told.push(Told { place, number: rest.get_u64() });
        }
        (told.len() == self.0.partitions.count()).then_some(told)
    }
}

fn head(value: Value) -> (Log, Place) {
    let [name, at] = value.list().try_into().unwrap();
    let name = name.text();
    let log = match name.split_once(':') {
        Some(("u", name)) => Log::User(UserId::new(name).unwrap()),
        Some(("t", name)) => Log::Topic(Topic::new(name).unwrap()),
        _ => panic!("no log: {name}"),
    };
    (log, place(at))
}
