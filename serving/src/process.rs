//! What the process takes of the machine, under the names that Prometheus' own client libraries use.
//!
//! Descriptors are counted without listing them, which would cost the kernel memory for each.

use limits::{descriptors, process::Usage};
use prometheus::{
    Counter, Gauge, IntGauge, Opts,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::signed::signed;

/// Looks anew each time the metrics are shown, and leaves out what the system does not say.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    resident: IntGauge,
    address_space: IntGauge,
    cpu: Counter,
    started: Gauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
}

impl Process {
    /// # Errors
    /// A name does not fit the format.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGauge::new(name, help);
        Ok(Self {
            resident: gauge("process_resident_memory_bytes", "Resident set, in bytes")?,
            address_space: gauge("process_virtual_memory_bytes", "Address space, in bytes")?,
            cpu: Counter::with_opts(Opts::new(
                "process_cpu_seconds_total",
                "Time on processors in user and system mode, in seconds",
            ))?,
            started: Gauge::new(
                "process_start_time_seconds",
                "When the process started, in seconds since the Unix epoch",
            )?,
            open_fds: gauge("process_open_fds", "Open descriptors")?,
            max_fds: gauge("process_max_fds", "Descriptors that may be open")?,
        })
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        let Self { resident, address_space, cpu, started, open_fds, max_fds } = self;
        let gauges = [resident, address_space, open_fds, max_fds];
        gauges.iter().flat_map(|it| it.desc()).chain(cpu.desc()).chain(started.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Self { resident, address_space, cpu, started, open_fds, max_fds } = self;
        max_fds.set(signed(descriptors::soft_limit()));
        let mut shown = max_fds.collect();
        // Kernels before 6.2 do not say.
        let open = descriptors::open_count();
        if open > 0 {
            open_fds.set(signed(open));
            shown.extend(open_fds.collect());
        }
        if let Ok(usage) = Usage::read() {
            resident.set(signed(usage.resident));
            address_space.set(signed(usage.address_space));
            cpu.reset();
            cpu.inc_by(usage.cpu.as_secs_f64());
            started.set(usage.started.as_secs_f64());
            let gauges = [resident.collect(), address_space.collect(), started.collect()];
            shown.extend(gauges.into_iter().flatten().chain(cpu.collect()));
        }
        shown
    }
}
