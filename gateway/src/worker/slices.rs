//! Work in slices, so that what else a thread has to do goes on meanwhile.

use tokio::task::yield_now;

/// Sessions handled before other work on the thread gets its turn.
pub(super) const SLICE: usize = 64;

/// Does something for each, and lets other work of the thread through now and then.
pub(super) async fn in_slices<T>(items: &[T], each: impl Fn(&T)) {
    for (index, slice) in items.chunks(SLICE).enumerate() {
        if index > 0 {
            yield_now().await;
        }
        slice.iter().for_each(&each);
    }
}
