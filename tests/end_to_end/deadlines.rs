//! No test outlives its deadline, and none leaves processes behind.

use std::{
    os::unix::process::ExitStatusExt,
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, test_kill_process};

use crate::harness::{
    Process, eventually,
    wait::{LONGEST, Telling},
};

fn sleeping(longest: Duration) -> Process {
    let mut command = Command::new("sleep");
    command.arg("1h");
    Process::spawn_for(command, longest)
}

#[test]
fn a_process_outlives_neither_its_deadline_nor_its_test() {
    let mut late = sleeping(Duration::from_millis(50));
    assert_eq!(late.wait().signal(), Some(Signal::KILL.as_raw()));
    let failing = AssertUnwindSafe(|| {
        let process = sleeping(LONGEST);
        let pid = Pid::from_raw(process.pid() as i32).unwrap();
        assert!(test_kill_process(pid).is_ok());
        std::panic::resume_unwind(Box::new(pid));
    });
    let pid = catch_unwind(failing).map(|()| "it did not fail").unwrap_err();
    assert!(test_kill_process(*pid.downcast::<Pid>().unwrap()).is_err(), "not even a zombie");
}

#[test]
fn a_scope_whose_test_has_failed_ends() {
    let done = AtomicBool::new(false);
    let failing = AssertUnwindSafe(|| {
        thread::scope(|scope| {
            let _over = Telling(&done);
            scope.spawn(|| eventually("it is told", || done.load(Ordering::Relaxed).then_some(())));
            std::panic::resume_unwind(Box::new("as a test fails"));
        });
    });
    assert!(catch_unwind(failing).is_err());
}
