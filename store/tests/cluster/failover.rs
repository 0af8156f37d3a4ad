//! Masters that die, with and without what their replicas never got.

use protocol::kept::{Gaps, Log, Place, place::Following};
use rustix::process::Signal;
use store::contract::{Position, Store};

use super::{
    resp::Value,
    servers::{MASTERS, Servers, wait},
    session::{after, block_on, keep, open, push, texts, unknown, user},
    store::RedisStore,
};

/// Logs in a cluster, by what they share with the first.
struct Logs {
    first: Log,
    /// Its partition.
    beside: Log,
    /// Its master, but another partition.
    near: Log,
    /// Another master.
    far: Log,
}

impl Logs {
    /// Two servers agree on a slot if they are asked the same way.
    fn find(store: &RedisStore) -> Self {
        let names = || (0..100_000).map(|number| user(&format!("u{number}")));
        let first = user("u0");
        keep(store, &first, "0");
        let partition = |log: &Log| store.0.partitions.of(log);
        let beside = names().skip(1).find(|log| partition(log) == partition(&first)).unwrap();
        let others: Vec<_> =
            names().skip(1).take(64).filter(|log| partition(log) != partition(&first)).collect();
        others.iter().for_each(|log| {
            keep(store, log, "0");
        });
        let on_its_master = |log: &&Log| store.port(log) == store.port(&first);
        let near = others.iter().find(on_its_master).unwrap().clone();
        let far = others.iter().find(|log| !on_its_master(log)).unwrap().clone();
        keep(store, &beside, "0");
        Self { first, beside, near, far }
    }

    fn all(&self) -> [&Log; 4] {
        [&self.first, &self.beside, &self.near, &self.far]
    }
}

/// Where a reader is that has read everything.
fn read_all(store: &RedisStore, log: &Log) -> Place {
    let page = after(store, log, Place::START);
    assert_eq!((page.rest, page.gaps), (0, Gaps::NONE));
    page.through
}

fn changes(store: &RedisStore, position: Option<Position>) -> (Vec<(Log, Place)>, Position) {
    let changes = block_on(store.changed_since(position)).unwrap();
    assert!(!changes.more);
    (changes.heads, changes.through)
}

fn wait_for_master(servers: &Servers, server: usize) {
    wait("the replica becomes the master", || servers.is_master(server));
}

/// Makes a replica deaf, so that its master goes on without it. What the master had already written to its socket
/// would be found there when it hears again, so the connection is closed, too.
fn part(servers: &Servers, master: usize, replica: usize) {
    servers.wait_for_replica(master, replica);
    servers.signal(replica, Signal::STOP);
    servers.ask(master, "CLIENT KILL TYPE replica");
    wait("the master is alone", || {
        servers.info(master, "INFO replication", "connected_slaves") == "0"
    });
}

#[test]
fn what_a_master_took_with_it_is_no_silent_hole() {
    let mut servers = Servers::start();
    // Whoever pushes, a gateway, and one that comes later.
    let [pusher, gateway] = [(), ()].map(|()| open(servers.ports()));
    let logs = Logs::find(&pusher);
    let before = logs.all().map(|log| read_all(&gateway, log));
    let (_, position) = changes(&gateway, None);
    let master = servers.index(pusher.port(&logs.first));
    let replica = master + MASTERS;

    part(&servers, master, replica);
    let lost = push(&logs.first, "lost");
    let shown = block_on(pusher.append(lost.clone())).unwrap().steps[0].unwrap();
    assert_eq!(shown.seen_from(before[0]), Following::Next, "a session has it");
    // Nobody but the one who pushed hears of this one.
    keep(&pusher, &logs.beside, "lost unseen");
    servers.kill(master);
    servers.signal(replica, Signal::CONT);
    wait_for_master(&servers, replica);

    // A place that the dead master gave.
    let page = after(&gateway, &logs.first, shown.place);
    assert_eq!((page.gaps, texts(&page)), (unknown(), vec!["0".to_owned()]));
    // One that has heard of nothing pushes, too: its place is of another reign, however high its number is.
    let other = keep(&open(servers.ports()), &logs.first, "other");
    assert!(other.place.number > shown.place.number, "no number is given twice");
    assert_eq!(other.seen_from(shown.place), Following::Unsure);
    let page = after(&open(servers.ports()), &logs.first, shown.place);
    assert_eq!((page.gaps, texts(&page)), (unknown(), vec!["0".to_owned(), "other".to_owned()]));
    // Whoever heard of the partition before says what is lost there when it comes again: so everybody learns it.
    let next = keep(&pusher, &logs.first, "next");
    for at in [shown.place, before[0], other.place] {
        assert_eq!(next.seen_from(at), Following::Unsure, "{next:?} at {at:?}");
        let page = after(&gateway, &logs.first, at);
        assert_eq!((page.gaps, texts(&page).join(" ")), (unknown(), "0 other next".into()));
        assert!(after(&gateway, &logs.first, page.through).gaps.is_empty(), "told once");
    }
    // The log that nothing came to since is named, and ends elsewhere.
    let (heads, position) = changes(&gateway, Some(position));
    let head = heads.iter().find(|(log, _)| *log == logs.beside).expect("it is named").1;
    assert_ne!(head, before[1]);
    let page = after(&gateway, &logs.beside, before[1]);
    assert_eq!((page.gaps, texts(&page), page.through), (unknown(), vec!["0".to_owned()], head));
    // Where nothing was lost, nothing is said, and nothing is named.
    for (log, at) in [(&logs.near, before[2]), (&logs.far, before[3])] {
        let page = after(&gateway, log, at);
        assert_eq!((page.gaps, page.messages.len(), page.through), (Gaps::NONE, 0, at), "{log}");
        assert!(heads.iter().all(|(named, _)| named != log), "{log}");
        assert_eq!(keep(&pusher, log, "next").seen_from(at), Following::Next, "{log}");
    }
    let (heads, _) = changes(&gateway, Some(position));
    assert_eq!(heads.len(), 2, "told once: {heads:?}");
    // The lost push once more: its id was lost with it, and it is kept now.
    let again = block_on(pusher.append(lost)).unwrap().steps[0];
    assert!(again.is_some_and(|step| step.seen_from(next.place) == Following::Next));
    assert!(pusher.moved() > 0, "slots were followed");
}

#[test]
fn a_gateways_position_tells_of_a_loss_that_nobody_else_heard_of() {
    let mut servers = Servers::start();
    let [pusher, gateway] = [(), ()].map(|()| open(servers.ports()));
    let logs = Logs::find(&pusher);
    let before = logs.all().map(|log| read_all(&gateway, log));
    let (_, position) = changes(&gateway, None);
    let master = servers.index(pusher.port(&logs.first));

    part(&servers, master, master + MASTERS);
    keep(&pusher, &logs.first, "lost");
    let (heads, position) = changes(&gateway, Some(position));
    assert_eq!(heads.len(), 1);
    servers.kill(master);
    servers.signal(master + MASTERS, Signal::CONT);
    wait_for_master(&servers, master + MASTERS);

    // The same gateway, which remembers nothing but its position.
    let gateway = open(servers.ports());
    let (heads, position) = changes(&gateway, Some(position));
    let named = |log: &Log| heads.iter().any(|(named, _)| named == log);
    assert_eq!(logs.all().map(named), [true, true, false, false], "{heads:?}");
    let page = after(&gateway, &logs.first, before[0]);
    assert_eq!(page.gaps, unknown());
    assert_eq!(after(&gateway, &logs.beside, before[1]).gaps, unknown());
    // Another that heard of it comes with it later: that is not told again.
    keep(&pusher, &logs.beside, "next");
    assert!(after(&gateway, &logs.first, page.through).gaps.is_empty());
    let (heads, _) = changes(&gateway, Some(position));
    assert_eq!(heads.len(), 1, "{heads:?}");
}

#[test]
fn a_master_that_hands_over_loses_nothing() {
    let servers = Servers::start();
    let store = open(servers.ports());
    let logs = Logs::find(&store);
    let (_, position) = changes(&store, None);
    let mut at = logs.all().map(|log| read_all(&store, log));
    let first = servers.index(store.port(&logs.first));
    for (old, new) in [(first, first + MASTERS), (first + MASTERS, first)] {
        servers.wait_for_replica(old, new);
        assert_eq!(servers.ask(new, "CLUSTER FAILOVER"), Value::Text(b"OK".to_vec()));
        wait_for_master(&servers, new);
        for (log, at) in logs.all().into_iter().zip(&mut at) {
            let page = after(&store, log, *at);
            assert_eq!((page.gaps, page.messages.len()), (Gaps::NONE, 0), "{log}");
            let step = keep(&store, log, "next");
            assert_eq!(step.seen_from(*at), Following::Next, "{step:?} at {at:?}");
            *at = step.place;
        }
    }
    let (heads, _) = changes(&store, Some(position));
    assert_eq!(heads.len(), 4, "only what was appended to: {heads:?}");
}

#[test]
fn a_store_that_lost_everything_believes_no_place() {
    let servers = Servers::start();
    let store = open(servers.ports());
    let logs = Logs::find(&store);
    let (_, position) = changes(&store, None);
    let at = logs.all().map(|log| read_all(&store, log));
    for master in 0..MASTERS {
        servers.ask(master, "FLUSHALL");
    }
    for (log, at) in logs.all().into_iter().zip(at) {
        assert_eq!(after(&store, log, at).gaps, unknown(), "{log}");
        let step = keep(&store, log, "next");
        assert_eq!(step.seen_from(at), Following::Unsure, "{log}");
        assert!(step.place.number > at.number, "{log}");
    }
    let (heads, _) = changes(&store, Some(position));
    assert_eq!(heads.len(), 4);
}
