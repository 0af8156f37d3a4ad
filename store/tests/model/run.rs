//! Sequences, and the shortest one that fails.

use std::{cell::Cell, env, panic};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::{
    operation::sequences,
    subject::{Limits, Most, Subject},
    trial::Trial,
};

const LIMITS: Limits =
    Limits { user: Most { messages: 5, bytes: 120 }, topic: Most { messages: 6, bytes: 150 } };

/// Tries so many sequences, or `STORE_CASES`, each on a store of its own. `STORE_SEED` tries those of an earlier run
/// again, in the same order.
///
/// # Panics
/// Says the seed, the shortest sequence that was found to fail, and how.
pub(crate) fn run<S: Subject>(cases: u32, fresh: impl Fn(Limits) -> S) {
    let setting = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = setting("STORE_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
    let cases = setting("STORE_CASES").map_or(cases, |cases| cases as u32);
    println!("STORE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tried = Cell::new(0);
    let result = TestRunner::new_with_rng(config, rng).run(&sequences(), |operations| {
        tried.set(tried.get() + 1);
        let trial = Trial::new(fresh(LIMITS), LIMITS);
        runtime.block_on(trial.play(operations)).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => println!("{} sequences", tried.get()),
        Err(TestError::Fail(why, operations)) => {
            let lines: String = operations.iter().map(|each| format!("\n{each:?}")).collect();
            panic!("STORE_SEED={seed}: {why}{lines}")
        }
        Err(TestError::Abort(why)) => panic!("STORE_SEED={seed}: {why}"),
    }
}
