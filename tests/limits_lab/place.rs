//! A network namespace for one case at a time.

use std::{
    fs::File,
    io::Write,
    os::fd::AsFd,
    panic::resume_unwind,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Some settings belong to the whole machine, so the cases take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Where the test itself runs, seen from a case: its threads have moved elsewhere.
pub(crate) struct Home(File);

impl Home {
    /// Does something in the network namespace that the test was started in.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        inside(&self.0, work)
    }
}

/// Something a case cannot do without.
pub(crate) enum Need {
    /// A program that answers to this argument.
    Program(&'static str, &'static str),
    /// A setting of the whole machine, which every process on it feels meanwhile: it has to be
    /// asked for, and to be writable.
    Setting(&'static str),
}

/// How to ask for the cases that change settings of the whole machine.
const ASK: &str = "LIMITS_LAB=machine";

fn may_touch_the_machine() -> bool {
    ASK.split_once('=').is_some_and(|(name, value)| std::env::var(name).as_deref() == Ok(value))
}

impl Need {
    fn missing(&self) -> Option<String> {
        match self {
            Self::Program(name, argument) => {
                let run = Command::new(name).arg(argument).stdout(Stdio::null()).status();
                run.is_err().then(|| format!("the program {name}"))
            }
            Self::Setting(name) if !may_touch_the_machine() => {
                Some(format!("{ASK}, for it changes {name} under every process here"))
            }
            Self::Setting(name) => {
                let path = path(name);
                let unchanged = std::fs::read(&path).and_then(|value| std::fs::write(&path, value));
                unchanged.err().map(|error| format!("leave to set {name} ({error})"))
            }
        }
    }
}

/// The file of a sysctl.
pub(crate) fn path(name: &str) -> String {
    format!("/proc/sys/{}", name.replace('.', "/"))
}

/// Runs a case in a new network namespace with nothing but loopback, or says why it cannot.
pub(crate) fn case(name: &str, needs: &[Need], work: impl FnOnce(&Home) + Send) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if !rustix::process::geteuid().is_root() {
        return skip(name, "root");
    }
    let iproute = Need::Program("ip", "-V");
    if let Some(missing) = [iproute].iter().chain(needs).find_map(Need::missing) {
        return skip(name, &missing);
    }
    let Some(namespace) = Namespace::new(name) else {
        return skip(name, "leave to make network namespaces (CAP_SYS_ADMIN)");
    };
    let home = Home(File::open("/proc/thread-self/ns/net").unwrap());
    let file = File::open(format!("/run/netns/{}", namespace.0)).unwrap();
    inside(&file, || {
        assert!(run("ip", &["link", "set", "lo", "up"]), "loopback is up");
        work(&home);
    });
}

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

fn inside<T: Send>(namespace: &File, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(namespace.as_fd(), kind).unwrap();
            work()
        });
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Gone with the case, whatever became of it.
struct Namespace(String);

impl Namespace {
    fn new(case: &str) -> Option<Self> {
        let name = format!("lab-{case}-{}", std::process::id());
        run("ip", &["netns", "add", &name]).then_some(Self(name))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run("ip", &["netns", "delete", &self.0]);
    }
}
