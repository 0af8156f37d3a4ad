//! A device of a user's: prints what is pushed, and acknowledges what was kept for it, until so many have come.
//!
//! ```sh
//! cargo run -p holdfast-client --no-default-features --features session --example device -- \
//!     ws://127.0.0.1:8080 demo 3
//! ```

use std::{env, error::Error, time::Duration};

use holdfast_client::session::{Data, Event, Said, Server, Session};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "ws://127.0.0.1:8080".into());
    let user = arguments.next().unwrap_or_else(|| "demo".into());
    let mut wanted = arguments.next().map_or(Ok(u64::MAX), |count| count.parse())?;
    let server = Server::new(&url, None)?;
    let mut session = Session::builder(server).user(user).acknowledging().build();
    while wanted > 0 {
        match session.next(Duration::from_secs(1)) {
            Some(Event::Connected(server)) => eprintln!("connected to {server}"),
            Some(Event::Frame(frame)) => {
                if let Some(Said::Push { data, .. }) = frame.said() {
                    match data {
                        Data::Json(json) => println!("{json}"),
                        Data::Bytes(bytes) => println!("{bytes:?}"),
                    }
                    wanted -= 1;
                }
            }
            Some(Event::Closed { why, pause }) => eprintln!("closed: {why}; back in {pause:?}"),
            Some(Event::Ended(why)) => return Err(why.to_string().into()),
            Some(_) | None => {}
        }
    }
    session.leave();
    Ok(())
}
