//! What stands at the axes of plots.

use crate::report::numbers::trimmed;

/// The percentile with this number of nines.
pub(super) fn percentile(nines: f64) -> String {
    let whole = nines.round();
    if (nines - whole).abs() > 1e-6 {
        return String::new();
    }
    match whole as i32 {
        0 => "0".into(),
        1 => "90".into(),
        2 => "99".into(),
        more => format!("99.{}", "9".repeat(more.clamp(3, 9) as usize - 2)),
    }
}

/// A time in milliseconds, in the unit that suits it.
pub(super) fn milliseconds(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{} s", trimmed(value / 1000.0)),
        value if value < 0.1 => format!("{} µs", trimmed(value * 1000.0)),
        value => format!("{} ms", trimmed(value)),
    }
}

/// A number of things.
pub(super) fn count(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", trimmed(value / 1e6)),
        value if value >= 1e4 => format!("{} k", trimmed(value / 1e3)),
        value => trimmed(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_read_like_a_person_would_write_them() {
        let percentiles: Vec<_> = [0.0, 1.0, 1.5, 2.0, 3.0, 4.0].map(percentile).into();
        assert_eq!(percentiles, ["0", "90", "", "99", "99.9", "99.99"]);
        assert_eq!(
            [0.05, 2.5, 200.0, 1500.0].map(milliseconds),
            ["50 µs", "2.5 ms", "200 ms", "1.5 s"]
        );
        assert_eq!([900.0, 20_000.0, 1e6].map(count), ["900", "20 k", "1 M"]);
    }
}
