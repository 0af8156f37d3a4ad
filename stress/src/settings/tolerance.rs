//! How much may go wrong before a run counts as failed.

/// What is forgiven, in shares from 0 to 1.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Verdict")]
pub struct Tolerance {
    /// Share of what was accepted and may be missing all the same, and of probes that may stay
    /// without an answer, like 0.1%
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = share)]
    pub allow_missing: f64,
    /// Share of messages that pusher-api may refuse, like 5%
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    pub allow_refused: f64,
}

fn share(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no share; give one like 0.5% or 0.005");
    let (number, of) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 100.0),
        None => (text, 1.0),
    };
    let share = number.parse::<f64>().map_err(|_| wrong())? / of;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read() {
        for (text, expected) in [("0", 0.0), ("0.5%", 0.005), ("100 %", 1.0), ("0.25", 0.25)] {
            assert_eq!(share(text), Ok(expected), "{text}");
        }
        for text in ["", "%", "-1%", "101%", "2", "x", "NaN", "inf"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
