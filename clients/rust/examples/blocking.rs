//! Pushes a few times to a user, from a program that knows nothing of tokio.
//!
//! ```sh
//! cargo run -p holdfast-client --features blocking --example blocking -- http://127.0.0.1:8090 demo
//! ```

use std::{env, error::Error};

use holdfast_client::{Client, Push, To, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8090".into());
    let user = arguments.next().unwrap_or_else(|| "demo".into());
    let client = blocking::Client::start(Client::builder(&url))?;
    for number in 1..=3 {
        client.push(Push::json(To::User(&user), &format!("number {number}"))?)?;
    }
    let counters = client.close();
    println!("{} of {} were accepted", counters.accepted, counters.queued);
    Ok(())
}
