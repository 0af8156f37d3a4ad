//! What a gateway says in Prometheus' text format.

use super::gateways::Gateways;

const SESSIONS: &[&str] = &["holdfast_sessions"];
const MEMORY: &[&str] = &["process_resident_memory_bytes", "holdfast_resident_memory_bytes"];
const CPU: &[&str] = &["process_cpu_seconds_total", "holdfast_cpu_seconds_total"];

/// What the text says about sessions, memory and CPU time.
pub(super) fn parse(text: &str) -> Option<Gateways> {
    Some(Gateways {
        sessions: sum(text, SESSIONS)? as u64,
        memory: sum(text, MEMORY)? as u64,
        cpu_seconds: sum(text, CPU),
    })
}

/// The sum over all labels of the first of these metrics that is there.
fn sum(text: &str, names: &[&str]) -> Option<f64> {
    let value = |line: &str, name: &str| {
        let rest = line.strip_prefix(name)?;
        let labelled = rest.starts_with('{') || rest.starts_with(' ');
        labelled.then(|| rest.rsplit_once(' ')?.1.parse::<f64>().ok())?
    };
    names.iter().find_map(|name| {
        text.lines().filter_map(|line| value(line, name)).reduce(|sum, more| sum + more)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# TYPE holdfast_sessions gauge\nholdfast_sessions{transport=\"tcp\"} 2\n\
        holdfast_sessions{transport=\"websocket\"} 40\nholdfast_sessions_closed_total 7\n\
        holdfast_resident_memory_bytes 12582912\nprocess_cpu_seconds_total 1.5\n";

    #[test]
    fn metrics_are_found_and_summed() {
        let expected = Gateways { sessions: 42, memory: 12_582_912, cpu_seconds: Some(1.5) };
        assert_eq!(parse(TEXT), Some(expected));
        let without = TEXT.replace("process_cpu", "other_cpu");
        assert_eq!(parse(&without).expect("enough").cpu_seconds, None);
        assert_eq!(parse("nothing"), None);
    }
}
