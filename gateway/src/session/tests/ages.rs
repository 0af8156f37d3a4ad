//! How old sessions become.

use std::time::Duration;

use protocol::Transport;

use super::thread::Thread;

const SECOND: Duration = Duration::from_secs(1);
const RECALLED: &str = r#"holdfast_sessions_recalled_total{cause="age"}"#;

#[test]
fn each_is_asked_to_come_back_at_an_age_of_its_own() {
    let mut thread =
        Thread::new(&["--max-session-age=40s", "--ping-interval=1h", "--sessions-per-user=40"]);
    let mut clients: Vec<_> = (0..40)
        .map(|number| thread.client([Transport::WebSocket, Transport::Tcp][number % 2]))
        .collect();
    thread.pass(SECOND * 20 - Duration::from_millis(100));
    assert!(clients.iter_mut().all(|client| client.heard().is_empty()), "too young");
    let mut asked = 0;
    for second in 1..=20 {
        thread.pass(SECOND);
        for client in &mut clients {
            let heard = client.heard();
            let is_asked = |it: &String| it.contains("draining") && it.contains("retry_ms");
            asked += usize::from(heard.iter().any(is_asked));
        }
        let even = clients.len() * second / 20;
        assert!(asked.abs_diff(even) <= 4, "{asked} instead of {even} in second {second}");
    }
    thread.pass(SECOND);
    assert_eq!(thread.metric(RECALLED), 40);
}

#[test]
fn without_an_age_nobody_goes() {
    let mut thread = Thread::new(&["--ping-interval=23h"]);
    let mut client = thread.client(Transport::WebSocket);
    thread.pass(SECOND * 3600 * 3);
    assert!(client.heard().is_empty() && thread.is_here(&client));
}
