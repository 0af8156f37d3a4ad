//! How much is kept, and what is said beyond that.

use serde_json::json;

use super::{count, keeper, post, to_user};
use crate::harness::{
    Process,
    files::{TestDirectory, TestFile},
};

#[test]
fn beyond_its_limit_the_oldest_of_a_log_go() {
    let keeper = keeper(&["--kept-per-user=3", "--kept-per-topic=2"]);
    let client = &keeper.pusher.client;
    for data in 0..5 {
        client.push(&to_user("u", data));
        client.push(&json!({ "to": { "topic": "t" }, "data": data, "ttl": 60 }));
    }
    assert_eq!(count(client, "u"), 3);
    assert_eq!(client.get("/v1/topics/t").json()["kept"]["count"], 2);
}

#[test]
fn without_room_for_another_topic_it_is_507_and_the_rest_goes_on() {
    let keeper = keeper(&["--topics-kept=1"]);
    let client = &keeper.pusher.client;
    let to = |topic: &str, ttl: u32| json!({ "to": { "topic": topic }, "data": 1, "ttl": ttl });
    client.push(&to("first", 60));
    let refused = post(client, &to("second", 60));
    assert_eq!(refused.status, 507, "{refused:?}");
    assert!(refused.json()["detail"].as_str().unwrap().contains("--topics-kept"), "{refused:?}");
    client.push(&to("second", 0));
    client.push(&to("first", 60));
    client.push(&to_user("u", 1));
    assert_eq!(client.get("/readyz").status, 200);
}

#[test]
fn without_room_for_more_it_is_507_until_there_is_some() {
    let keeper = keeper(&["--kept-bytes=128KiB"]);
    let client = &keeper.pusher.client;
    let push = json!({ "to": { "user": "u" }, "data": "x".repeat(50_000), "ttl": 60 });
    let refused = (0..10).map(|_| post(client, &push)).find(|answer| answer.status != 202);
    let refused = refused.expect("half a megabyte does not fit");
    assert_eq!(refused.status, 507, "{refused:?}");
    assert!(refused.text.contains("--kept-bytes"), "{refused:?}");
    client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert!(client.delete("/v1/users/u/kept").json()["deleted"].as_u64() > Some(0));
    client.push(&push);
}

#[test]
fn wrong_values_and_unusable_files_end_the_start_and_are_named() {
    let foreign = TestDirectory::new("foreign");
    std::fs::create_dir(foreign.path()).unwrap();
    std::fs::write(foreign.path().join("holdfast.sqlite"), "a diary").unwrap();
    let file = TestFile::new("file", "no directory");
    let foreign_flag = foreign.flag("data");
    let file_flag = file.flag("data");
    let cases = [
        ("--kept-per-user=0", "--kept-per-user"),
        ("--kept-bytes-per-topic=lots", "--kept-bytes-per-topic"),
        ("--kept-bytes=1KiB", "--kept-bytes"),
        ("--device-kept=0s", "--device-kept"),
        ("--devices-per-user=0", "--devices-per-user"),
        ("--data=", "--data"),
        (file_flag.as_str(), "--data"),
        (foreign_flag.as_str(), "is no store of this program"),
    ];
    for (flag, named) in cases {
        let arguments = ["pusher-api", "--insecure", "--listen=127.0.0.1:0", flag];
        let mut process = Process::start(&arguments.map(str::to_owned));
        assert_eq!(process.wait().code(), Some(2), "{flag}");
        let log = process.log().join("\n");
        assert!(log.contains(named), "{flag}: {log}");
    }
    let text = std::fs::read_to_string(foreign.path().join("holdfast.sqlite")).unwrap();
    assert_eq!(text, "a diary", "it is as it was");
}
