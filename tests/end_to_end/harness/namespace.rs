//! Network namespaces: networks of a test's own, which it may cut. Only root makes them.

use std::{
    fs::File,
    io::Write,
    os::fd::AsFd,
    process::{Command, Stdio},
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Says on the test's own stderr, which is shown for tests that pass, too, what was not tested.
pub(crate) fn skip(name: &str, missing: &str) {
    // In one piece, and on a line of its own: the names of tests are being written, too.
    let line = format!("\nskipped: {name}: needs {missing}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Runs a program; whether it succeeded.
pub(crate) fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
}

/// Whether there is a program that answers to this argument.
pub(crate) fn is_there(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// The network that this thread is in.
pub(crate) fn here() -> File {
    File::open("/proc/thread-self/ns/net").unwrap()
}

/// Moves this thread into another network; its sockets and children stay where they are.
pub(crate) fn enter(network: &File) {
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

/// Gone when it is dropped, whatever became of the test.
pub(crate) struct Namespace {
    /// As `ip netns` knows it.
    pub name: String,
}

impl Namespace {
    /// One with nothing but loopback, which is up; none where this process may make none.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let name = format!("{name}-{}", std::process::id());
        if !run("ip", &["netns", "add", &name]) {
            return None;
        }
        let made = Self { name };
        made.ip(&["link", "set", "lo", "up"]);
        Some(made)
    }

    /// Has `ip` do something in it.
    pub(crate) fn ip(&self, arguments: &[&str]) {
        let all = [&["-n", &self.name], arguments].concat();
        assert!(run("ip", &all), "ip {}", all.join(" "));
    }

    /// Its network.
    pub(crate) fn network(&self) -> File {
        File::open(format!("/run/netns/{}", self.name)).unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run("ip", &["netns", "delete", &self.name]);
    }
}
