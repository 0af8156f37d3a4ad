//! What nobody asks for expires, too.

use std::time::Duration;

use store::contract::{Store, StoreError};

use super::{
    resp::Value,
    servers::Servers,
    session::{block_on, keep, open, push, user},
    store::RedisStore,
};
/// Most logs of a partition in one turn.
const MOST: usize = 1000;

impl RedisStore {
    /// Deletes what has expired, a partition after the other: one is asked in which logs, and each of these apart.
    /// Says how many those were.
    pub(crate) fn sweep(&self) -> Result<usize, StoreError> {
        let store = &*self.0;
        let mut count = 0;
        for partition in 0..store.partitions.count() {
            let heard = store.partitions.heard(partition);
            let most = vec![MOST.to_string().into_bytes()];
            let call = store.in_partition(&store.scripts.due, partition, heard, most);
            let mut values = store.heard(partition, store.run(&[call]).remove(0)?);
            for name in values.next().unwrap().list() {
                store.ask_by_name(&store.scripts.expire, partition, &name.text(), Vec::new())?;
                count += 1;
            }
        }
        Ok(count)
    }
}

#[test]
fn what_nobody_asks_for_expires() {
    let servers = Servers::start();
    let store = open(servers.ports());
    let (first, second) = (user("u1"), user("u2"));
    keep(&store, &first, "an hour");
    let mut longer = push(&first, "three hours");
    longer.ttl = Duration::from_secs(3 * 3600);
    block_on(store.append(longer)).unwrap();
    keep(&store, &second, "an hour");
    let kept = |log| {
        let key =
            format!("{}u:{}:m", store.0.partitions.key(store.0.partitions.of(log)), log.name());
        servers.ask(servers.index(store.port(log)), &format!("ZCARD {key}"))
    };
    assert_eq!(store.sweep(), Ok(0));
    store.advance(2 * 3600 * 1000);
    assert_eq!((kept(&first), kept(&second)), (Value::Number(2), Value::Number(1)));
    assert_eq!((store.sweep(), store.sweep()), (Ok(2), Ok(0)));
    assert_eq!((kept(&first), kept(&second)), (Value::Number(1), Value::Number(0)));
    store.advance(2 * 3600 * 1000);
    assert_eq!((store.sweep(), store.sweep()), (Ok(1), Ok(0)));
    assert_eq!(kept(&first), Value::Number(0));
}
