//! A store that is one SQLite file, for the processes of one machine.
//!
//! What is asked goes through [`store`] into one of two queues. The [`writer`] is one thread: it makes one
//! transaction of whatever has gathered while the last one was on its way to the disk, and answers when that is
//! safe. Readers are a few threads, each of which answers all that waits from one [`snapshot`].
//!
//! What is done inside a transaction stands in files of its own: [`appending`], [`beginning`], [`acknowledging`],
//! [`forgetting`] and, in the background, [`sweeping`]; all of them work on a [`ledger`]. Numbers are those of the
//! file, one counter for all logs; [`runs`] has their checks.

mod store;

mod opening;
mod reader;
mod writer;

mod housekeeping;
mod work;

mod acknowledging;
mod appending;
mod beginning;
mod forgetting;
mod sweeping;

mod devices;
mod ids;
mod ledger;
mod removing;
mod settling;

mod changes;
mod pages;
mod reading;
mod snapshot;

mod connection;
mod log_row;
mod runs;
mod schema;

mod clock;
mod counters;
mod disk;
mod failure;
mod queue;
mod settings;
mod shared;

mod counts;

pub use counters::{COMMIT_SECONDS, Counters};
pub use failure::OpenError;
pub use settings::Settings;
pub use store::SqliteStore;
