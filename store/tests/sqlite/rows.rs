//! Whatever stands in the rows of a file, it has answers or is refused, and nothing inside a store comes to grief.

use proptest::prelude::*;
use protocol::kept::{Log, Place};
use rusqlite::{Connection, types::Value};
use store::{
    contract::{Acknowledged, AppendError, From, Store as _, StoreError},
    sqlite::SqliteStore,
};

use crate::place::{ALL, Directory, device, push, topic, user, user_id};

/// Columns, by what a table of this kind may hold in them.
const NUMBERS: [(&str, &[&str]); 6] = [
    ("state", &["number", "messages", "bytes", "topics", "horizon", "clock"]),
    ("runs", &["first", "tag"]),
    (
        "logs",
        &[
            "topic",
            "born",
            "last",
            "messages",
            "bytes",
            "expired",
            "trimmed",
            "deleted",
            "acknowledged",
            "next_expiry",
            "touched",
        ],
    ),
    ("messages", &["number", "log", "size", "expires", "accepted", "base64"]),
    ("devices", &["acknowledged", "seen"]),
    ("ids", &["scope", "content", "progress", "taken"]),
];
const TEXTS: [(&str, &[&str]); 3] =
    [("logs", &["name"]), ("messages", &["collapse_key"]), ("devices", &["device"])];
const BLOBS: [(&str, &[&str]); 3] =
    [("state", &["store"]), ("messages", &["id", "payload"]), ("ids", &["id"])];

/// Which row of a table has what in which column.
#[derive(Debug, Clone)]
struct Edit {
    table: &'static str,
    column: &'static str,
    row: i64,
    value: Value,
}

fn column_of(
    tables: &'static [(&'static str, &'static [&'static str])],
) -> impl Strategy<Value = (&'static str, &'static str)> {
    let columns = tables
        .iter()
        .flat_map(|(table, columns)| columns.iter().map(move |column| (*table, *column)));
    prop::sample::select(columns.collect::<Vec<_>>())
}

fn edit() -> impl Strategy<Value = Edit> {
    let number = prop_oneof![
        any::<i64>(),
        -3..10_i64,
        Just(i64::MAX),
        Just(i64::MIN),
        Just(i64::from(u32::MAX))
    ];
    let number = (column_of(&NUMBERS), number.prop_map(Value::Integer));
    let text = (column_of(&TEXTS), ".{0,200}".prop_map(Value::Text));
    let blob = (column_of(&BLOBS), prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob));
    let what = prop_oneof![6 => number, 1 => text, 1 => blob];
    (what, 0..4_i64).prop_map(|(((table, column), value), row)| Edit { table, column, row, value })
}

impl Edit {
    /// Makes it; what the tables do not allow is not made.
    fn make(&self, connection: &Connection) {
        let Self { table, column, row, value } = self;
        let key = match *table {
            "state" => "one",
            "runs" => "first",
            "logs" => "log",
            "messages" => "number",
            "devices" => "device",
            _ => "entry",
        };
        let one = format!("SELECT {key} FROM {table} LIMIT 1 OFFSET {row}");
        let update = format!("UPDATE {table} SET {column} = ?1 WHERE {key} = ({one})");
        let _is_allowed = connection.execute(&update, [value]);
    }
}

/// What was answered; that something inside has panicked is none.
fn answered<T>(answer: Result<T, StoreError>) -> Result<Option<T>, TestCaseError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(StoreError::Away(reason)) => {
            prop_assert!(!reason.contains("inside"), "{}", reason);
            Ok(None)
        }
    }
}

async fn ask_everything(store: &SqliteStore, log: &Log) -> Result<(), TestCaseError> {
    let page = answered(store.read(log.clone(), From::Start, ALL).await)?;
    let place = page.map_or(Place::START, |page| page.through);
    answered(store.read(log.clone(), From::After(place), ALL).await)?;
    answered(store.standing(log.clone()).await)?;
    if let Err(AppendError::Store(error)) =
        store.append(push(std::slice::from_ref(log), "more")).await
    {
        answered::<()>(Err(error))?;
    }
    for device in [device("d"), None] {
        answered(store.begin(user_id("u"), device.clone(), Some(place), ALL).await)?;
        let acknowledged = Acknowledged { user: user_id("u"), device, place };
        answered(store.acknowledge(vec![acknowledged]).await)?;
    }
    answered(store.changed_since(None).await)?;
    answered(store.forget(log.clone()).await)?;
    Ok(())
}

async fn tried(edits: &[Edit]) -> Result<(), TestCaseError> {
    let directory = Directory::new();
    let store = directory.open();
    let logs = [user("u"), topic("t"), user("other")];
    answered(store.begin(user_id("u"), device("d"), None, ALL).await)?;
    for _ in 0..3 {
        store.append(push(&logs[..2], "kept")).await.expect("it works");
    }
    store.close();
    let connection = Connection::open(directory.settings().file()).expect("it works");
    edits.iter().for_each(|edit| edit.make(&connection));
    drop(connection);
    let Ok(store) = SqliteStore::open(directory.settings()) else { return Ok(()) };
    for log in &logs {
        ask_everything(&store, log).await?;
    }
    prop_assert!(store.trouble().is_none_or(|why| !why.contains("anew")), "{:?}", store.trouble());
    store.close();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn rows_of_any_content_have_answers(edits in prop::collection::vec(edit(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it works");
        runtime.block_on(tried(&edits))?;
    }
}
