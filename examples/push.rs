//! A backend: pushes one message to one user and prints what became of it.
//!
//! `cargo run --example push` takes what `make run` starts and the user `demo`; all can be given:
//! `cargo run --example push -- http://127.0.0.1:8090 demo "good morning"`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let pusher_api = next("http://127.0.0.1:8090");
    let user = next("demo");
    let text = next("hello");

    let push = serde_json::json!({ "to": { "user": user }, "data": { "text": text } });
    // Without `receipt` the answer is 202 at once and says only that the push was accepted.
    let mut answer = ureq::post(format!("{pusher_api}/v1/push?receipt=1s"))
        // With API keys configured: .header("authorization", "Bearer …")
        .header("content-type", "application/json")
        .send(push.to_string())?;
    println!("{}", answer.body_mut().read_to_string()?);
    Ok(())
}
