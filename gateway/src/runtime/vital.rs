//! Loops without which a thread would hold sessions and never serve them.

use std::{any::Any, panic::AssertUnwindSafe};

use futures::FutureExt;
use tracing::error;

/// How the process ends when one of them does: an internal error (EX_SOFTWARE of sysexits.h).
const EXIT: i32 = 70;

/// Runs a loop on this thread. If it panics, the process ends: its clients come back, to this
/// gateway or to another, which they would not do if they were only not served any more.
pub(crate) fn spawn(name: &'static str, run: impl Future<Output = ()> + 'static) {
    actix_rt::spawn(async move {
        if let Err(panic) = panic_of(run).await {
            error!(name, panic, "a loop of the gateway has ended by a bug; the process ends");
            std::process::exit(EXIT);
        }
    });
}

/// Runs a future to its end, or to the words of its panic.
async fn panic_of(run: impl Future<Output = ()>) -> Result<(), String> {
    AssertUnwindSafe(run).catch_unwind().await.map_err(|panic| words(&*panic))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn a_panic_of_a_loop_is_told() {
        assert_eq!(panic_of(async {}).await, Ok(()));
        let fixed = async { panic!("out of reach") };
        assert_eq!(panic_of(fixed).await, Err("out of reach".to_owned()));
        let formatted = async {
            tokio::task::yield_now().await;
            panic!("seat {}", 7)
        };
        assert_eq!(panic_of(formatted).await, Err("seat 7".to_owned()));
    }
}
