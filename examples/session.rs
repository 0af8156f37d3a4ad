//! A client: opens a session and prints each frame that comes.
//!
//! `cargo run --example session` takes what `make run` starts and the user `demo`; both can be
//! given: `cargo run --example session -- ws://127.0.0.1:8080 demo`.

use std::error::Error;

use tungstenite::{Message, connect};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let gateway = arguments.next().unwrap_or_else(|| "ws://127.0.0.1:8080".to_owned());
    let user = arguments.next().unwrap_or_else(|| "demo".to_owned());

    // `?user=` is for development; elsewhere a token goes into the header `Authorization`.
    let (mut session, _) = connect(format!("{gateway}/v1/ws?user={user}"))?;
    loop {
        // Pings are answered while it reads.
        match session.read()? {
            // The first one is `hello`: from now on every push to this user arrives here.
            Message::Text(frame) => println!("{frame}"),
            // The `bye` before it has said why, and when to come back.
            Message::Close(_) => return Ok(()),
            _ => {}
        }
    }
}
