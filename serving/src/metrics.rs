//! Metrics are made of constant names and shown as text.

use actix_web::http::Method;
use prometheus::{
    Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector,
};

use crate::process::Process;

pub use crate::signed::signed;

/// Makes metrics and keeps them, to be shown together.
///
/// # Panics
/// A name is given twice, or does not fit the format: they are constants.
#[derive(Debug, Default)]
pub struct Registrar(Registry);

impl Registrar {
    /// A counter without labels.
    pub fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::new(name, help))
    }

    /// Counters, one for each value of these labels.
    pub fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// A gauge without labels.
    pub fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::new(name, help))
    }

    /// Gauges, one for each value of these labels.
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    /// Which build this is: 1 with its version.
    fn build_info(&self) {
        let version = self.gauges("holdfast_build_info", "1, with the version", &["version"]);
        version.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    }

    /// What every process of ours shows: which build it is, and what it takes of the machine.
    pub fn process(&self) {
        self.build_info();
        self.keep(Process::new());
    }

    /// Keeps a metric of any kind.
    pub fn keep<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let metric = made.expect("names and labels are constants that fit the format");
        self.0.register(Box::new(metric.clone())).expect("each name is used once");
        metric
    }

    /// All of them in Prometheus' text format, as they are now.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let families = self.0.gather();
        TextEncoder::new().encode(&families, &mut text).expect("writing to memory does not fail");
        text
    }
}

/// A method as it stands in a label: anybody can make up others.
pub fn method_label(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::OPTIONS
        | Method::PATCH => method.as_str(),
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: &str =
        concat!("holdfast_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1");

    #[test]
    fn what_was_made_is_shown() {
        let registrar = Registrar::default();
        registrar.counter("a_total", "A").inc_by(2);
        registrar.counters("b_total", "B", &["kind"]).with_label_values(&["x"]).inc();
        registrar.gauge("c", "C").set(-1);
        registrar.gauges("d", "D", &["kind"]).with_label_values(&["y"]).set(3);
        registrar.process();
        let text = String::from_utf8(registrar.text()).expect("text");
        for line in ["a_total 2", r#"b_total{kind="x"} 1"#, "c -1", r#"d{kind="y"} 3"#, BUILD] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn the_process_is_looked_at_each_time() {
        let registrar = Registrar::default();
        registrar.process();
        let value = |name: &str| {
            let text = String::from_utf8(registrar.text()).expect("text");
            let line = text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
            let line = line.unwrap_or_else(|| panic!("{name} is not in {text}"));
            line.trim().parse::<f64>().expect("a number")
        };
        let before = value("process_open_fds ");
        let held: Vec<_> =
            (0..50).map(|_| std::fs::File::open("/dev/null").expect("a file")).collect();
        assert!(value("process_open_fds ") >= before + 40.0);
        drop(held);
        assert!(value("process_max_fds ") > before);
        assert!(value("process_virtual_memory_bytes ") > value("process_resident_memory_bytes "));
        assert!(value("process_start_time_seconds ") > 1.6e9);
        let begun = value("process_cpu_seconds_total ");
        while value("process_cpu_seconds_total ") <= begun {}
    }
}
