//! SIGUSR2 starts the successor, and systemd hears of it.

use std::{os::unix::net::UnixDatagram, process::Command, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use super::directory;
use crate::harness::{
    Client, Gateway, Process, Tcp, eventually, process::BINARY, servers::arguments, wait::LIMIT,
};

/// A process that is no child of ours.
struct Foreign(i32);

impl Foreign {
    fn signal(&self, signal: Signal) {
        // It may have ended by itself.
        let _ = kill_process(Pid::from_raw(self.0).unwrap(), signal);
    }

    fn is_gone(&self) -> bool {
        rustix::process::test_kill_process(Pid::from_raw(self.0).unwrap()).is_err()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[test]
fn a_signal_starts_the_successor_and_systemd_is_told() {
    let directory = directory();
    let told = UnixDatagram::bind(directory.path().join("notify")).unwrap();
    told.set_read_timeout(Some(LIMIT)).unwrap();
    let hear = || {
        let mut words = [0; 512];
        let length = told.recv(&mut words).unwrap();
        String::from_utf8_lossy(&words[..length]).into_owned()
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let flag = format!("--takeover={}/socket", directory.path().display());
    let mut command = Command::new(BINARY);
    command.args(arguments([any; 3], &[flag]));
    command.env("NOTIFY_SOCKET", directory.path().join("notify"));
    let mut gateway = Gateway::listen([any; 3], Vec::new(), Process::spawn(command));
    assert_eq!(hear(), format!("MAINPID={}\nREADY=1", gateway.process.pid()));
    let mut client = Tcp::join(&gateway, "u");
    let before = gateway.metrics().get("holdfast_sessions_closed_total");

    gateway.process.signal(Signal::USR2);
    let successor = gateway.process.find_in_log("a successor is started", |line| {
        let fields: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = fields["fields"]["message"] == "a successor is started";
        is_it.then(|| fields["fields"]["pid"].as_i64().unwrap() as i32)
    });
    let successor = Foreign(successor);
    assert!(hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    let mut words = [hear(), hear()];
    words.sort_unstable();
    let main = format!("MAINPID={}", successor.0);
    assert_eq!(words, [main.clone(), format!("{main}\nREADY=1")]);
    let status = eventually("the older one ends", || gateway.process.try_wait());
    assert_eq!(status.code(), Some(0));
    client.expect_alive();
    Tcp::join(&gateway, "late").expect_alive();
    assert_eq!(before, 0.0);

    successor.signal(Signal::TERM);
    assert_eq!(hear(), "STOPPING=1");
    client.expect_bye("draining", 1012);
    eventually("it has ended", || successor.is_gone().then_some(()));
    assert!(told.set_read_timeout(Some(Duration::from_millis(1))).is_ok());
}

#[test]
fn a_gateway_that_nobody_can_succeed_goes_on() {
    let gateway = Gateway::start(&[]);
    let mut client = Tcp::join(&gateway, "u");
    gateway.process.signal(Signal::USR2);
    let mut gateway = gateway;
    gateway
        .process
        .find_in_log("it says why", |line| line.contains("without --takeover").then_some(()));
    client.expect_alive();
}
