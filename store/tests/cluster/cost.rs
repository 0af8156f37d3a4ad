//! What calls cost, to be looked at: `cargo test --release -p store --test cluster cost -- --ignored --nocapture`.

use std::time::Instant;

use protocol::kept::Place;
use store::contract::Store;

use super::{
    servers::{MASTERS, Servers},
    session::{after, block_on, keep, open, user},
};

const TIMES: usize = 5000;

#[test]
#[ignore = "says how long things take"]
fn cost() {
    let servers = Servers::start();
    let store = open(servers.ports());
    let logs: Vec<_> = (0..500).map(|number| user(&format!("u{number}"))).collect();
    logs.iter().for_each(|log| {
        keep(&store, log, "warm");
    });
    let log = |turn: usize| &logs[turn % logs.len()];
    let measure = |what: &str, of: &mut dyn FnMut(usize)| {
        (0..MASTERS).for_each(|master| {
            servers.ask(master, "CONFIG RESETSTAT");
        });
        let begun = Instant::now();
        (0..TIMES).for_each(&mut *of);
        let round = begun.elapsed().as_micros() as f64 / TIMES as f64;
        let stat = |name: &str| {
            let figures = (0..MASTERS).map(|master| {
                let line = servers.info(master, "INFO commandstats", &format!("cmdstat_{name}"));
                let figure = |name: &str| {
                    let part = line.split(',').find_map(|part| part.strip_prefix(name));
                    part.map_or(0.0, |number| number.parse::<f64>().unwrap())
                };
                (figure("calls="), figure("usec="))
            });
            let (calls, micros) =
                figures.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            format!("{name} {:.1} µs × {:.1}", micros / f64::max(calls, 1.0), calls / TIMES as f64)
        };
        println!("{what}: {round:.0} µs a round trip; {}; {}", stat("evalsha"), stat("info"));
    };
    measure("append", &mut |turn| {
        keep(&store, log(turn), "a payload of some forty characters here");
    });
    measure("read nothing", &mut |turn| {
        let end = block_on(store.standing(log(turn).clone())).unwrap().end;
        assert!(after(&store, log(turn), end).messages.is_empty());
    });
    measure("read all of ten", &mut |turn| {
        after(&store, log(turn), Place::START);
    });
    let position = block_on(store.changed_since(None)).unwrap().through;
    println!("a position has {} bytes", position.0.len());
    measure("changes, of none", &mut |turn| {
        if turn % 50 == 0 {
            block_on(store.changed_since(Some(position.clone()))).unwrap();
        }
    });
}
