//! Sessions that were dropped at once, and what came back.

use std::fmt;

use serde::Serialize;

use crate::{
    measurements::storm::{Moment, Storm},
    report::numbers::mebibytes,
};

/// One storm.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StormReport<'a> {
    /// What was measured.
    #[serde(flatten)]
    pub storm: &'a Storm,
    /// The gateways' memory a while after the drop, as a multiple of what it was before those
    /// sessions came.
    pub gateway_memory_ratio: Option<f64>,
}

impl<'a> StormReport<'a> {
    /// A storm, and how memory stands after it.
    pub(crate) fn new(storm: &'a Storm) -> Self {
        Self { gateway_memory_ratio: storm.gateway_memory_ratio(), storm }
    }
}

impl fmt::Display for StormReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |seconds: Option<f64>| match seconds {
            Some(seconds) => format!("in {seconds:.2} s"),
            None => "not seen".to_owned(),
        };
        let storm = self.storm;
        writeln!(
            f,
            "storm        {} dropped: closed {}, gone from the gateways {}, all back {}",
            storm.drop,
            seconds(storm.closed_seconds),
            seconds(storm.gone_seconds),
            seconds(storm.reopen_seconds),
        )?;
        for reading in &storm.memory {
            let (moment, kernel) = (reading.moment.as_str(), mebibytes(reading.kernel.total()));
            write!(f, "  {moment:<17} ")?;
            if let Some(gateways) = reading.gateways {
                write!(f, "gateways {:.1} MiB, ", mebibytes(gateways))?;
            }
            writeln!(f, "kernel {kernel:.1} MiB, client {:.1} MiB", mebibytes(reading.client))?;
        }
        if let (Some(ratio), Some(_)) = (self.gateway_memory_ratio, storm.reading(Moment::Settled))
        {
            writeln!(f, "  gateways' memory a while later: {ratio:.3} of that before they came")?;
        }
        Ok(())
    }
}
