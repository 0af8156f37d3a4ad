//! What operators read of gateways and pusher-apis, as they have it from other programs.

use crate::harness::pair;

#[test]
fn every_process_says_which_it_is_and_what_it_takes() {
    let (gateway, pusher) = pair(&[]);
    let build = format!("holdfast_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    for (process, metrics) in
        [(&gateway.process, gateway.metrics()), (&pusher.process, pusher.metrics())]
    {
        assert_eq!(metrics.get(&build), 1.0);
        let resident = metrics.get("process_resident_memory_bytes") / 1024.0;
        let expected = process.resident_kib() as f64;
        assert!((0.5..2.0).contains(&(resident / expected)), "{resident} of {expected} KiB");
        assert!(metrics.get("process_virtual_memory_bytes") > resident * 1024.0);
        assert!(metrics.get("process_max_fds") > metrics.get("process_open_fds"));
        assert!(metrics.get("process_open_fds") > 3.0);
        assert!(metrics.get("process_start_time_seconds") > 1.6e9);
        assert!(metrics.get("process_cpu_seconds_total") > 0.0);
    }
}
