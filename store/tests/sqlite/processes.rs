//! Several processes with one file, and such that are killed. Each is this test's program once more.

use std::{
    collections::HashMap,
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use protocol::kept::Place;
use store::sqlite::{Settings, SqliteStore};

use crate::place::{Directory, after, everything, keep, texts, user};

const DIRECTORY: &str = "STORE_TEST_DIRECTORY";
const NAME: &str = "STORE_TEST_NAME";
const COUNT: &str = "STORE_TEST_COUNT";
const WRITERS: usize = 8;
const LOGS: usize = 5;

/// Keeps messages, and says of each that it is kept. Does nothing unless another test starts it for that.
#[test]
#[ignore = "a process of other tests"]
fn keeps_messages_in_a_process_of_its_own() {
    let Ok(directory) = env::var(DIRECTORY) else { return };
    let name: Arc<str> = env::var(NAME).unwrap().into();
    let count: usize = env::var(COUNT).unwrap().parse().unwrap();
    let settings =
        Settings { kept_per_user: 1 << 20, kept_bytes: Some(1 << 40), ..Settings::new(directory) };
    let store = SqliteStore::open(settings).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let write = |writer: usize| {
        let (store, name) = (store.clone(), name.clone());
        async move {
            for number in 0..count {
                let text = format!("{name}{writer} {number}");
                let log = (writer + number) % LOGS;
                keep(&store, &user(&format!("u{log}")), &text).await;
                writeln!(std::io::stdout().lock(), "kept {log} {text}").unwrap();
            }
        }
    };
    runtime.block_on(futures::future::join_all((0..WRITERS).map(write)));
    store.close();
}

fn start(directory: &Directory, name: &str, count: usize) -> Child {
    Command::new(env::current_exe().expect("it works"))
        .args([
            "--ignored",
            "--exact",
            "processes::keeps_messages_in_a_process_of_its_own",
            "--nocapture",
        ])
        .env(DIRECTORY, directory.settings().directory)
        .env(NAME, name)
        .env(COUNT, count.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it works")
}

/// The log and text of a line that a process has said.
fn kept(line: &str) -> Option<(usize, String)> {
    // The first one follows what the test runner says.
    let (log, text) = line.split_once("kept ")?.1.split_once(' ')?;
    Some((log.parse().ok()?, text.trim_end().to_owned()))
}

/// Whether each writer's messages have their order in each log, and none is there twice.
fn check_order(texts: &[String]) {
    let mut last: HashMap<&str, usize> = HashMap::new();
    for text in texts {
        let (writer, number) = text.split_once(' ').expect("it works");
        let number = number.parse().expect("it works");
        let before = last.insert(writer, number);
        assert!(before.is_none_or(|before| before < number), "{text} after {before:?}");
    }
}

async fn check_all(store: &SqliteStore, said: &[(usize, String)]) -> usize {
    let mut count = 0;
    for log in 0..LOGS {
        let texts = texts(&everything(store, &user(&format!("u{log}"))).await);
        check_order(&texts);
        count += texts.len();
        let there: std::collections::HashSet<_> = texts.into_iter().collect();
        let lost: Vec<_> =
            said.iter().filter(|(of, text)| *of == log && !there.contains(text)).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
    }
    count
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let directory = Directory::new();
    let mut said = Vec::new();
    for round in 0..3 {
        let mut child = start(&directory, &format!("r{round}-"), 1 << 20);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let before = said.len();
        while said.len() < before + 500 + 300 * round {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended by itself");
            said.extend(kept(&line));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        // The last line may be half a one.
        let whole = rest.rfind('\n').map_or("", |end| &rest[..end]);
        said.extend(whole.lines().filter_map(kept));
    }
    let store = directory.open();
    let count = check_all(&store, &said).await;
    assert!(count >= said.len());
    keep(&store, &user("u0"), "r9-0 0").await;
}

#[tokio::test]
async fn two_processes_share_a_file() {
    let directory = Directory::new();
    const COUNT: usize = 100;
    let store = directory.open();
    let children = ["a", "b"].map(|name| start(&directory, name, COUNT));
    let mut mine = Vec::new();
    for number in 0..COUNT {
        let text = format!("c {number}");
        let step = keep(&store, &user("u0"), &text).await;
        mine.push((step, text));
    }
    let mut said: Vec<(usize, String)> = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        said.extend(String::from_utf8(output.stdout).unwrap().lines().filter_map(kept));
    }
    assert_eq!(said.len(), 2 * WRITERS * COUNT);
    said.extend(mine.iter().map(|(_, text)| (0, text.clone())));
    assert_eq!(check_all(&store, &said).await, said.len());
    let page = after(&store, &user("u0"), Place::START).await;
    for (step, text) in mine {
        let at = page.messages.iter().position(|message| message.place == step.place).unwrap();
        assert_eq!(texts(&page)[at], text);
        let before = at.checked_sub(1).map_or(Place::START, |before| page.messages[before].place);
        assert_eq!(step.before, before, "{step:?}");
    }
}
