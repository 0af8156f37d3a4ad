//! Pushes a few times to a user, from a program that runs on tokio.
//!
//! ```sh
//! cargo run -p holdfast-client --example backend -- http://127.0.0.1:8090 demo
//! ```

use std::{env, error::Error, time::Duration};

use holdfast_client::{Client, Push, To};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8090".into());
    let user = arguments.next().unwrap_or_else(|| "demo".into());
    let client = Client::builder(&url)
        .on_given_up(|given_up| eprintln!("{} was given up: {}", given_up.id, given_up.why))
        .build()?;
    for number in 1..=3 {
        client.push(Push::json(To::User(&user), &format!("number {number}"))?)?;
    }
    let hour = Duration::from_secs(60 * 60);
    client.push(Push::json(To::User(&user), &"kept for an hour")?.ttl(hour))?;
    let counters = client.close().await;
    println!("{} of {} were accepted", counters.accepted, counters.queued);
    Ok(())
}
