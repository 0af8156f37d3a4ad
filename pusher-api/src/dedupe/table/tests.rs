use std::collections::{HashSet, VecDeque};

use proptest::prelude::*;

use super::*;

fn key(number: u8) -> Key {
    Key { backend: u32::from(number % 2), id: [number; 16] }
}

#[test]
fn an_id_costs_less_than_48_bytes() {
    assert_eq!(size_of::<Record>(), 40);
    for bytes in [4 * 1024, 100_000, 4 << 20, 64 << 20] {
        let table = Table::new(bytes);
        let all = table.most() * size_of::<Record>() + table.slots.len() * size_of::<u32>();
        assert!(all <= bytes && bytes - all < 64, "{all} of {bytes}");
        // Searches stay short.
        assert!(table.most() * 4 <= table.slots.len() * 3, "{} in {bytes}", table.most());
    }
    assert!((64 << 20) / Table::new(64 << 20).most() < 48);
    assert_eq!(Table::new(0).most(), 1);
}

#[test]
fn searches_begin_in_different_places() {
    let table = Table::new(64 * 1024);
    let homes: HashSet<_> = (0..200).map(|number| table.home(key(number))).collect();
    assert!(homes.len() > 100, "{homes:?}");
}

#[test]
fn memory_grows_with_the_ids_and_not_beyond_the_limit() {
    let mut table = Table::new(10_000);
    assert_eq!(table.records.capacity(), 0);
    for number in 0..u32::MAX {
        let key = Key { backend: number, id: [0; 16] };
        let Found::Fresh { forgot } = table.claim(key, 0, 0) else { panic!("{number}") };
        table.settle(key, State::Done, 1);
        // In steps, each of which is filled before the next.
        let step = [64, 128, table.most()].into_iter().find(|step| table.known() <= *step);
        assert_eq!(Some(table.records.capacity()), step, "{number}");
        if forgot {
            break;
        }
    }
    assert_eq!((table.known(), table.records.capacity()), (table.most(), table.most()));
}

#[test]
fn the_same_id_may_be_under_way_or_taken_or_of_another_push() {
    let mut table = Table::new(4096);
    let (one, other) = (key(2), Key { backend: 1, ..key(2) });
    assert_eq!(table.claim(one, 7, 0), Found::Fresh { forgot: false });
    assert_eq!(table.claim(one, 7, 0), Found::Same(State::Begun));
    assert_eq!(table.claim(one, 8, 0), Found::Other);
    assert_eq!(table.claim(other, 8, 0), Found::Fresh { forgot: false });
    table.settle(one, State::Collecting, 300);
    assert_eq!(table.claim(one, 7, 299), Found::Same(State::Collecting));
    table.settle(one, State::Done, 400);
    assert_eq!(table.claim(one, 7, 299), Found::Same(State::Done));
    table.give_back(one);
    assert_eq!(table.claim(one, 7, 299), Found::Same(State::Done), "taken is taken");
    assert_eq!(table.claim(one, 7, 300), Found::Fresh { forgot: false }, "forgotten in time");
    table.give_back(one);
    assert_eq!(table.claim(one, 9, 300), Found::Fresh { forgot: false });
    assert_eq!(table.claim(other, 8, 1000), Found::Same(State::Begun), "as long as it takes");
}

#[test]
fn what_is_under_way_is_not_forgotten_for_lack_of_room() {
    let mut table = Table::new(0);
    assert_eq!(table.claim(key(1), 0, 0), Found::Fresh { forgot: false });
    assert_eq!(table.claim(key(2), 0, 0), Found::NoRoom);
    table.settle(key(2), State::Done, 300);
    table.settle(key(1), State::Done, 300);
    assert_eq!(table.claim(key(2), 0, 0), Found::Fresh { forgot: true });
    assert_eq!(table.claim(key(1), 0, 0), Found::NoRoom);
}

/// The same by searching a list.
#[derive(Default)]
struct Model {
    settled: VecDeque<(Key, u64, State, u32)>,
    begun: Vec<(Key, u64)>,
}

impl Model {
    fn claim(&mut self, most: usize, key: Key, content: u64, now: u32) -> Found {
        self.settled.retain(|(_, _, _, until)| *until > now);
        let settled = self.settled.iter().map(|(key, content, state, _)| (*key, *content, *state));
        let begun = self.begun.iter().map(|(key, content)| (*key, *content, State::Begun));
        let known = settled.chain(begun).find(|(known, _, _)| *known == key);
        if let Some((_, known, state)) = known {
            return if known == content { Found::Same(state) } else { Found::Other };
        }
        let forgot = self.settled.len() + self.begun.len() == most;
        if forgot && self.settled.pop_front().is_none() {
            return Found::NoRoom;
        }
        self.begun.push((key, content));
        Found::Fresh { forgot }
    }

    fn settle(&mut self, key: Key, state: State, until: u32) {
        if let Some(at) = self.begun.iter().position(|(known, _)| *known == key) {
            let (key, content) = self.begun.remove(at);
            self.settled.push_back((key, content, state, until));
        } else if let Some(known) = self.settled.iter_mut().find(|(known, ..)| *known == key) {
            known.2 = state;
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Claim(u8, u64),
    Settle(u8, bool),
    GiveBack(u8),
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..40_u8;
    prop_oneof![
        4 => (number.clone(), 0..2_u64).prop_map(|(number, content)| Step::Claim(number, content)),
        3 => (number.clone(), any::<bool>()).prop_map(|(number, done)| Step::Settle(number, done)),
        1 => number.prop_map(Step::GiveBack),
        1 => (0..4_u32).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn a_table_is_a_list_that_is_searched(
        bytes in 0..1500_usize,
        steps in prop::collection::vec(step(), 0..300),
    ) {
        let (mut table, mut model, mut now) = (Table::new(bytes), Model::default(), 0);
        let most = table.most();
        for step in steps {
            match step {
                Step::Claim(number, content) => {
                    let key = key(number);
                    let expected = model.claim(most, key, content, now);
                    prop_assert_eq!(table.claim(key, content, now), expected);
                }
                Step::Settle(number, done) => {
                    let state = if done { State::Done } else { State::Collecting };
                    table.settle(key(number), state, now + 9);
                    model.settle(key(number), state, now + 9);
                }
                Step::GiveBack(number) => {
                    table.give_back(key(number));
                    model.begun.retain(|(known, _)| *known != key(number));
                }
                Step::Wait(seconds) => now += seconds,
            }
            prop_assert_eq!(table.known() <= most, true);
            prop_assert!(table.records.len() <= most);
        }
        model.settled.retain(|(_, _, _, until)| *until > now);
        table.forget_until(now);
        prop_assert_eq!(table.known(), model.settled.len() + model.begun.len());
    }
}
