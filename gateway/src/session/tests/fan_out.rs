//! Pushes to topics and to everybody, while sessions come and go, against a plain model.

use proptest::prelude::*;
use protocol::{Topic, Transport, link::TargetRef};

use super::{
    client::Client,
    thread::{FRAMES_OUT, Thread, Who},
};
use crate::session::Topical;

const TOPICS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone)]
enum Step {
    Join,
    Leave(usize),
    Subscribe(usize, usize),
    Unsubscribe(usize, usize),
    /// The same by a backend, through the mailbox.
    OrderedIn(usize, usize),
    OrderedOut(usize, usize),
    ToAll,
    ToTopic(usize),
    ToUser(usize, usize),
    WalkOn(usize),
    Turn(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (client, topic) = (0_usize..6, 0..TOPICS.len());
    let both = || (0_usize..6, 0..TOPICS.len());
    prop_oneof![
        2 => Just(Step::Join),
        1 => client.clone().prop_map(Step::Leave),
        3 => both().prop_map(|(client, topic)| Step::Subscribe(client, topic)),
        2 => both().prop_map(|(client, topic)| Step::Unsubscribe(client, topic)),
        1 => both().prop_map(|(client, topic)| Step::OrderedIn(client, topic)),
        1 => both().prop_map(|(client, topic)| Step::OrderedOut(client, topic)),
        4 => Just(Step::ToAll),
        6 => topic.prop_map(Step::ToTopic),
        4 => (client.clone(), prop_oneof![8 => Just(1_usize), 1 => Just(150)])
            .prop_map(|(client, count)| Step::ToUser(client, count)),
        6 => (1_usize..4).prop_map(Step::WalkOn),
        3 => client.prop_map(Step::Turn),
    ]
}

/// A client, and what it is to hear.
struct Member {
    client: Client,
    user: String,
    topics: [bool; TOPICS.len()],
    /// Every push for it, each with whether it may be missing: its topic was left before it came.
    due: Vec<(usize, Option<usize>, bool)>,
}

struct Model {
    thread: Thread,
    members: Vec<Member>,
    pushed: usize,
    joined: usize,
}

impl Model {
    fn push(&mut self, target: &TargetRef<'_>, topic: Option<usize>, to: impl Fn(&Member) -> bool) {
        self.thread.push(target.clone(), &format!(r#"{{"n":{}}}"#, self.pushed));
        for member in self.members.iter_mut().filter(|member| to(member)) {
            member.due.push((self.pushed, topic, false));
        }
        self.pushed += 1;
    }

    fn say(&mut self, member: usize, kind: &str, topic: usize) {
        let json = format!(r#"{{"type":"{kind}","topics":["{}"]}}"#, TOPICS[topic]);
        let Some(member) = self.members.get_mut(member) else { return };
        member.client.say_frame(&json);
        self.thread.settle_seat(member.client.seat);
        member.topics[topic] = kind == "subscribe";
        if kind == "unsubscribe" {
            // What it has not got of it so far it may go without.
            let of_topic = member.due.iter_mut().filter(|(_, of, _)| *of == Some(topic));
            of_topic.for_each(|(_, _, optional)| *optional = true);
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Join if self.members.len() < 6 => {
                let user = format!("u{}", self.joined);
                self.joined += 1;
                let who = Who { user: Some(&user), topics: &["a"], ..Who::default() };
                let client = self.thread.join(Transport::Tcp, &who);
                let (topics, due) = ([true, false, false], Vec::new());
                self.members.push(Member { client, user, topics, due });
            }
            Step::Leave(member) if member < self.members.len() => {
                let member = self.members.swap_remove(member);
                self.thread.drop_session(&member.client);
            }
            Step::Subscribe(member, topic) => self.say(member, "subscribe", topic),
            Step::Unsubscribe(member, topic) => self.say(member, "unsubscribe", topic),
            Step::OrderedIn(member, topic) => {
                let Some(member) = self.members.get_mut(member) else { return };
                let name = Topic::new(TOPICS[topic]).expect("a topic");
                self.thread.order(&member.user, || Topical::Subscribe(name.clone()));
                // An order is in force when it is answered.
                self.thread.settle_seat(member.client.seat);
                member.topics[topic] = true;
            }
            Step::OrderedOut(member, topic) => {
                let Some(member) = self.members.get_mut(member) else { return };
                let name = Topic::new(TOPICS[topic]).expect("a topic");
                let after = self.thread.local.fan_out.last();
                self.thread.order(&member.user, || Topical::Unsubscribe(name.clone(), after));
                self.thread.settle_seat(member.client.seat);
                member.topics[topic] = false;
            }
            Step::ToAll => self.push(&TargetRef::All, None, |_| true),
            Step::ToTopic(topic) => {
                self.push(&TargetRef::Topic(TOPICS[topic]), Some(topic), |it| it.topics[topic]);
            }
            Step::ToUser(member, count) => {
                let Some(user) = self.members.get(member).map(|it| it.user.clone()) else { return };
                for _ in 0..count {
                    self.push(&TargetRef::User(&user), None, |member| member.user == user);
                }
            }
            Step::WalkOn(most) => drop(self.thread.walk_on(most)),
            Step::Turn(member) => {
                if let Some(member) = self.members.get(member) {
                    self.thread.turn(member.client.seat, |_, _| false);
                }
            }
            Step::Join | Step::Leave(_) => {}
        }
    }
}

/// The numbers of the pushes among these frames.
fn numbers(heard: &[String]) -> Vec<usize> {
    let pushes = heard.iter().filter_map(|frame| frame.strip_prefix(r#"{"n":"#));
    pushes.map(|rest| rest.trim_end_matches('}').parse().expect("a number")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Everybody gets what was for him when it was accepted, once, in the order of acceptance, and
    /// nothing else; what was on its way when he unsubscribed may be missing.
    #[test]
    fn everybody_gets_what_is_for_him_once_and_in_order(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let mut model = Model { thread: Thread::new(&[]), members: Vec::new(), pushed: 0, joined: 0 };
        for step in &steps {
            model.take(step);
        }
        let Model { mut thread, mut members, .. } = model;
        thread.settle();
        thread.walk();
        for member in &mut members {
            let heard = numbers(&thread.hear(&mut member.client));
            let mut heard = heard.into_iter().peekable();
            for (number, _, optional) in &member.due {
                let came = heard.next_if_eq(number).is_some();
                prop_assert!(came || *optional, "{} misses {number}", member.user);
            }
            prop_assert_eq!(heard.next(), None, "{}: twice, out of order or not for it", member.user);
        }
        let local = std::rc::Rc::clone(&thread.local);
        prop_assert!(!local.walks.borrow().is_busy());
        let backlog = local.fan_out.backlog();
        prop_assert_eq!((backlog.unfinished, backlog.recipients), (0, 0));
        prop_assert_eq!(local.push_memory.used(), 0, "nothing waits any more");
        for member in &members {
            thread.drop_session(&member.client);
        }
        for topic in TOPICS {
            prop_assert_eq!(local.directory.topics.count(topic), 0);
        }
        prop_assert_eq!(local.lane.load.sessions(), 0);
    }
}

#[test]
fn one_slow_subscriber_costs_what_waits_for_it() {
    const SUBSCRIBERS: usize = 100;
    let mut thread = Thread::new(&["--push-memory=1MiB", "--outbound-limit=10MiB"]);
    let join = |thread: &mut Thread, user: &str| {
        thread.join(Transport::Tcp, &Who { user: Some(user), topics: &["t"], ..Who::default() })
    };
    let _slow = join(&mut thread, "slow");
    let mut others: Vec<_> =
        (0..SUBSCRIBERS).map(|number| join(&mut thread, &format!("u{number}"))).collect();
    let (mut pushed, length) = (0, 1000);
    while pushed * length < 500_000 {
        let push = format!(r#"{{"n":{pushed},"x":"{}"}}"#, "x".repeat(length));
        thread.push(TargetRef::Topic("t"), &push);
        thread.walk();
        let heard = others.iter_mut().all(|other| other.heard().contains(&push));
        assert!(heard, "everybody else has it at once");
        pushed += 1;
    }
    let waiting = thread.local.push_memory.used();
    assert!((400_000..600_000).contains(&waiting), "{waiting}: what waits for one, once");
    assert_eq!(thread.local.metrics.all_sessions(), 1 + SUBSCRIBERS as i64, "nobody was closed");
}

#[test]
fn what_gathered_is_written_in_one_go() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&[]);
        let mut client = thread.client(transport);
        // Each alone would take a buffer of the kernel's, of which the socket may have a few.
        let pushes: Vec<_> = (0..64).map(|number| format!(r#"{{"n":{number}}}"#)).collect();
        pushes.iter().for_each(|push| thread.push(TargetRef::All, push));
        thread.walk();
        assert_eq!(thread.metric(r#"holdfast_pushes_total{outcome="written"}"#), 64);
        assert_eq!((client.heard(), thread.left().2), (pushes, 0));
    }
}

#[test]
fn what_gathered_for_a_slow_socket_waits_whole_and_in_order() {
    for (transport, length) in
        Transport::OF_A_CONNECTION.into_iter().flat_map(|it| [(it, 90), (it, 7000)])
    {
        let mut thread = Thread::new(&["--ping-interval=1h"]);
        let mut client = thread.client(transport);
        let push =
            |number: usize| format!(r#"{{"n":{number},"x":"{}"}}"#, "x".repeat(length + number));
        let pushes: Vec<_> = (0..150).map(push).collect();
        let frames = thread.metric(FRAMES_OUT);
        pushes.iter().for_each(|push| thread.push(TargetRef::All, push));
        thread.walk();
        let outcome = |name| thread.metric(&format!("holdfast_pushes_total{{outcome={name:?}}}"));
        let (written, queued) = (outcome("written"), outcome("queued"));
        assert!(queued > 0 && written + queued == 150, "{written} written, {queued} queued");
        let latencies = "holdfast_push_latency_seconds_count";
        assert_eq!(thread.metric(latencies), written, "the others are under way");
        assert_eq!(thread.hear(&mut client), pushes);
        assert_eq!((thread.metric(latencies), thread.left().2), (150, 0));
        assert_eq!(thread.metric("holdfast_bytes_out_total"), client.taken);
        assert_eq!(thread.metric(FRAMES_OUT) - frames, 150);
    }
}

#[test]
fn what_gathered_beyond_the_limit_ends_a_session_and_nothing_follows() {
    for transport in Transport::OF_A_CONNECTION {
        let flags = ["--outbound-limit=128KiB", "--ping-interval=1h", "--close-timeout=1h"];
        let mut thread = Thread::new(&flags);
        let mut client = thread.client(transport);
        let push = |number: usize| format!(r#"{{"n":{number},"x":"{}"}}"#, "x".repeat(7000));
        let pushes: Vec<_> = (0..60).map(push).collect();
        pushes.iter().for_each(|push| thread.push(TargetRef::All, push));
        thread.walk();
        let heard = thread.hear(&mut client);
        let got = heard.iter().take_while(|it| it.starts_with(r#"{"n":"#)).count();
        assert_eq!(heard[..got], pushes[..got]);
        assert!(heard[got].contains("too_slow"), "{}", heard[got]);
        assert_eq!(heard.len(), got + 2, "and the end");
        let written = thread.metric("holdfast_push_latency_seconds_count");
        let lost = thread.metric(r#"holdfast_pushes_dropped_total{reason="too_slow"}"#);
        assert_eq!((written, written + lost), (got as u64, 60));
    }
}

#[test]
fn envelopes_count_while_they_are_in_a_mailbox() {
    let mut thread = Thread::new(&[]);
    let _client = thread.client(Transport::Tcp);
    thread.push(TargetRef::User("u"), r#"{"n":1}"#);
    let waiting = thread.local.push_memory.used();
    assert!(waiting > 100, "{waiting}: the envelope, and the frame");
    thread.settle();
    assert_eq!(thread.local.push_memory.used(), 0);
}

#[test]
fn a_session_that_ends_by_a_panic_leaves_its_topics() {
    let mut thread = Thread::new(&[]);
    let who = Who { topics: &["a", "b"], ..Who::default() };
    let client = thread.join(Transport::Tcp, &who);
    thread.push(TargetRef::Topic("a"), r#"{"n":1}"#);
    assert_eq!(thread.local.directory.topics.count("a"), 1);
    thread.drop_session(&client);
    for topic in ["a", "b"] {
        assert_eq!(thread.local.directory.topics.count(topic), 0);
    }
    thread.walk();
    assert_eq!(thread.local.push_memory.used(), 0, "the fan-out that was under way ends, too");
    assert_eq!(thread.local.fan_out.backlog().unfinished, 0);
}

#[test]
fn an_idle_session_gets_what_comes_after_any_number_of_others() {
    let mut thread = Thread::new(&[]);
    let mut client = thread.client(Transport::Tcp);
    for round in 0..5_u32 {
        // As if so many fan-outs had concerned other workers only.
        thread.local.fan_out.skip(3 << 28);
        thread.walk();
        thread.push(TargetRef::All, &format!(r#"{{"n":{round}}}"#));
        thread.walk();
        assert_eq!(numbers(&client.heard()), [round as usize]);
    }
}
