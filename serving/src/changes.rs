//! Tells the other end of a link what it measures, whenever that has changed.

use std::{convert::Infallible, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

/// Looks at once and then this often, and tells what it finds if that is another than the last time, for as long as it
/// is polled.
pub async fn tell<T: PartialEq + Copy>(
    every: Duration,
    measured: impl Fn() -> T,
    tell: impl Fn(T),
) -> Infallible {
    let mut last = None;
    let mut looks = interval(every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let now = measured();
        if last.replace(now) != Some(now) {
            tell(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use futures::FutureExt;

    use super::*;

    #[actix_rt::test]
    async fn what_has_not_changed_is_told_once() {
        let (values, told) = (Cell::new(0), RefCell::new(Vec::new()));
        let measured = || {
            values.set(values.get() + 1);
            values.get() / 3
        };
        let telling = tell(Duration::from_millis(1), measured, |now| told.borrow_mut().push(now));
        let telling = telling.fuse();
        futures::pin_mut!(telling);
        while values.get() < 9 {
            futures::select! {
                never = telling => match never {},
                () = tokio::time::sleep(Duration::from_millis(1)).fuse() => {}
            }
        }
        assert!(told.borrow().starts_with(&[0, 1, 2, 3]), "{told:?}");
    }
}
