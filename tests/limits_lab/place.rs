//! A network namespace for one case at a time.

use std::{
    fs::File,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
};

use crate::harness::namespace::{Namespace, enter, here, is_there, skip};

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
                (!is_there(name, argument)).then(|| format!("the program {name}"))
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
    let Some(namespace) = Namespace::new(&format!("lab-{name}")) else {
        return skip(name, "leave to make network namespaces (CAP_SYS_ADMIN)");
    };
    let home = Home(here());
    inside(&namespace.network(), || work(&home));
}

fn inside<T: Send>(network: &File, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            enter(network);
            work()
        });
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
