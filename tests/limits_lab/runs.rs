//! `holdfast stress` and `holdfast doctor`, and what they say.

use std::{
    net::SocketAddr,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;

use crate::{
    harness::{Gateway, process::BINARY},
    place::Home,
};

/// What `stress idle --json` says.
pub(crate) struct Load {
    /// Its exit code.
    pub code: i32,
    report: Value,
}

impl Load {
    /// Opens so many sessions, with these flags more, and closes them again.
    pub(crate) fn idle(target: &str, sessions: u32, flags: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("limits-lab-{}-{number}.json", std::process::id());
        let file = std::env::temp_dir().join(name);
        let mut command = Command::new(BINARY);
        command.args(["stress", "idle", "--target", target]);
        if !flags.iter().any(|flag| flag.starts_with("--hold")) {
            command.arg("--hold=0s");
        }
        command.args([format!("--sessions={sessions}"), format!("--json={}", file.display())]);
        let output = command.args(flags).output().unwrap();
        let text = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{output:?}"));
        std::fs::remove_file(&file).unwrap();
        Self { code: output.status.code().unwrap(), report: serde_json::from_str(&text).unwrap() }
    }

    /// The same over WebSockets at this address.
    pub(crate) fn websockets(address: SocketAddr, sessions: u32, flags: &[&str]) -> Self {
        Self::idle(&format!("ws://{address}"), sessions, flags)
    }

    /// Every session was held.
    pub(crate) fn assert_passes(&self) {
        assert_eq!(self.code, 0, "{:#}", self.report);
    }

    /// Some sessions failed in a way that begins like this, and this limit is named for it.
    pub(crate) fn assert_fails(&self, what: &str, limit: &str) {
        assert_eq!(self.code, 1, "{:#}", self.report);
        let failures = self.report["failures"].as_array().unwrap();
        let named = failures.iter().any(|failure| {
            let says = |field: &str| failure[field].as_str().unwrap_or_default();
            says("what").starts_with(what) && says("limit").contains(limit)
        });
        assert!(named, "neither {what:?} nor {limit:?}: {:#}", self.report);
    }
}

/// What `doctor --json` says.
pub(crate) struct Diagnosis {
    /// Its exit code.
    pub code: i32,
    answer: Value,
}

impl Diagnosis {
    /// Looks from outside at a gateway and whether it can hold so many.
    pub(crate) fn of(home: &Home, gateway: &Gateway, sessions: u32, flags: &[&str]) -> Self {
        let pid = format!("--pid={}", gateway.process.pid());
        home.within(|| Self::here(sessions, &[&[pid.as_str()], flags].concat()))
    }

    /// Looks at a process that would be started here.
    pub(crate) fn here(sessions: u32, flags: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["doctor", "--json", &format!("--sessions={sessions}")]);
        let Output { status, stdout, stderr } = command.args(flags).output().unwrap();
        let answer = serde_json::from_slice(&stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&stderr));
        });
        Self { code: status.code().unwrap(), answer }
    }

    /// A field of a limit.
    pub(crate) fn limit(&self, name: &str, field: &str) -> &Value {
        let limits = self.answer["limits"].as_array().unwrap();
        let row = limits.iter().find(|row| row["limit"] == name);
        &row.unwrap_or_else(|| panic!("no {name}: {:#}", self.answer))[field]
    }

    /// This limit is in the way, and the cure has this in it.
    pub(crate) fn assert_names(&self, limit: &str, cure: &str) {
        assert_eq!(self.code, 1, "{:#}", self.answer);
        let verdict = self.limit(limit, "verdict").as_str().unwrap();
        assert!(["too_low", "hit"].contains(&verdict), "{limit} is {verdict}: {:#}", self.answer);
        let found = self.limit(limit, "cure").as_str().unwrap();
        assert!(found.contains(cure), "{found}");
    }

    /// This limit stops sessions before any other.
    pub(crate) fn assert_stopped_by(&self, limit: &str) {
        assert_eq!(self.answer["stopped_by"], limit, "{:#}", self.answer);
    }

    /// This limit was in the way and has been set.
    pub(crate) fn assert_fixed(&self, limit: &str) {
        let fixes = self.answer["fixes"].as_array().unwrap();
        let fixed = fixes.iter().any(|fix| fix["limit"] == limit && fix["done"] == true);
        assert!(fixed, "{limit} was not set: {:#}", self.answer);
        assert_eq!(self.limit(limit, "verdict"), "ok", "{:#}", self.answer);
    }

    /// A counter.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.answer["counters"][name].as_u64().unwrap_or_else(|| panic!("no counter {name}"))
    }
}
