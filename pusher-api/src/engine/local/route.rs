//! Which gateways a push goes to: those that hold the user or have a subscriber of the topic, those that
//! may, or all of them.
//!
//! A gateway whose link is not in step may hold anybody: clients come to it, and get their hello,
//! while it cannot report them. What it does not hold costs it a look-up.

pub(super) mod stored;

use std::collections::BTreeMap;

use protocol::link::TargetRef;
use smallvec::SmallVec;

use super::{
    link::room::Certainty::{self, Known, Perhaps},
    presence::Presence,
    topics::{List, Topics},
};
use crate::{
    status::{GatewayIndex, GatewayIndexes},
    validate::To,
};

/// One gateway of a push, with the part of the target that it holds or may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route<'a> {
    /// The gateway.
    pub gateway: GatewayIndex,
    /// Whom it is to deliver to.
    pub target: TargetRef<'a>,
    /// How sure it is that somebody of them is there.
    pub certainty: Certainty,
}

/// The gateways of one push.
pub(crate) type Routes<'a> = SmallVec<[Route<'a>; 2]>;

/// The gateways that take pushes.
pub(crate) trait OpenGateways {
    /// Whether this one does.
    fn is_open(&self, gateway: GatewayIndex) -> bool;
    /// All that do; it is certain that a connected one delivers to whom it holds.
    fn all(&self) -> impl Iterator<Item = (GatewayIndex, Certainty)>;
    /// The list of the topics that this one has subscribers of; none if it may have some of any.
    fn topics_of(&self, gateway: GatewayIndex) -> Option<List>;
    /// Those of them that may hold users who are not known here.
    fn out_of_step(&self) -> GatewayIndexes;
}

/// Looks up where a push has to go.
pub(crate) fn route<'a>(
    to: &'a To<'_>,
    presence: &Presence,
    topics: &Topics,
    open: &impl OpenGateways,
) -> Routes<'a> {
    match to {
        To::User(user) => one(user.as_str(), &TargetRef::User(user.as_str()), presence, open),
        To::Users(users) => {
            let users = users.0.iter().map(|user| (user.as_str(), user.as_str()));
            group(users, TargetRef::Users, presence, open)
        }
        To::Topic(topic) => {
            subscribed(topic.as_str(), &TargetRef::Topic(topic.as_str()), topics, open)
        }
        To::All(_) => everywhere(open, &TargetRef::All),
    }
}

/// A gateway whose list was in force before the table was looked at, and still is behind it, has no
/// subscriber who has been told so and is not in the table.
fn subscribed<'a>(
    topic: &str,
    target: &TargetRef<'a>,
    topics: &Topics,
    open: &impl OpenGateways,
) -> Routes<'a> {
    let listed = |(gateway, certainty)| (gateway, certainty, open.topics_of(gateway));
    let gateways: SmallVec<[_; 8]> = open.all().map(listed).collect();
    let wanting = topics.gateways_of(topic);
    let concerned = gateways.into_iter().filter(|(gateway, _, list)| {
        list.is_none() || wanting.contains(gateway) || open.topics_of(*gateway) != *list
    });
    let route = |(gateway, certainty, _)| Route { gateway, target: target.clone(), certainty };
    concerned.map(route).collect()
}

fn one<'a>(
    user: &str,
    target: &TargetRef<'a>,
    presence: &Presence,
    open: &impl OpenGateways,
) -> Routes<'a> {
    let route = |certainty| {
        let target = target.clone();
        move |gateway| Route { gateway, target: target.clone(), certainty }
    };
    // Asked for before presence is: a link comes into step after its users have become known.
    let perhaps = open.out_of_step();
    let holding = presence.gateways_of(user);
    let perhaps = perhaps.into_iter().filter(|gateway| !holding.contains(gateway));
    let mut routes: Routes<'a> = perhaps.map(route(Perhaps)).collect();
    let known = holding.into_iter().filter(|gateway| open.is_open(*gateway));
    routes.extend(known.map(route(Known)));
    routes
}

fn everywhere<'a>(open: &impl OpenGateways, target: &TargetRef<'a>) -> Routes<'a> {
    let route = |(gateway, certainty)| Route { gateway, target: target.clone(), certainty };
    open.all().map(route).collect()
}

/// Each gateway's part of several users, of each of whom something is told.
fn group<'a, T: Clone>(
    users: impl Iterator<Item = (&'a str, T)>,
    target: impl Fn(Vec<T>) -> TargetRef<'a>,
    presence: &Presence,
    open: &impl OpenGateways,
) -> Routes<'a> {
    let perhaps = open.out_of_step();
    let mut groups = BTreeMap::<GatewayIndex, (Certainty, Vec<T>)>::new();
    for (user, told) in users {
        let holding = presence.gateways_of(user);
        for gateway in holding.iter().filter(|gateway| open.is_open(**gateway)) {
            let (certainty, users) = groups.entry(*gateway).or_insert((Known, Vec::new()));
            *certainty = Known;
            users.push(told.clone());
        }
        for gateway in perhaps.iter().filter(|gateway| !holding.contains(gateway)) {
            groups.entry(*gateway).or_insert((Perhaps, Vec::new())).1.push(told.clone());
        }
    }
    let route = |(gateway, (certainty, users))| Route { gateway, target: target(users), certainty };
    groups.into_iter().map(route).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{
        engine::local::{presence::Epoch, topics::Interest},
        validate::parse,
    };

    /// Gateways that are connected and in step, and one that is not.
    struct Open([GatewayIndex; 2], Option<GatewayIndex>);

    /// The same, where the first two have named their topics.
    struct Naming<'a> {
        open: Open,
        interest: [Interest; 2],
        /// Done between the first look and the second.
        meanwhile: &'a dyn Fn(&Interest),
        looks: Cell<u32>,
    }

    impl OpenGateways for Naming<'_> {
        fn is_open(&self, gateway: GatewayIndex) -> bool {
            self.open.is_open(gateway)
        }

        fn all(&self) -> impl Iterator<Item = (GatewayIndex, Certainty)> {
            self.open.all()
        }

        fn topics_of(&self, gateway: GatewayIndex) -> Option<List> {
            self.looks.set(self.looks.get() + 1);
            let position = self.open.0.iter().position(|open| *open == gateway)?;
            if self.looks.get() == 4 {
                (self.meanwhile)(&self.interest[position]);
            }
            self.interest[position].list()
        }

        fn out_of_step(&self) -> GatewayIndexes {
            self.open.out_of_step()
        }
    }

    impl OpenGateways for Open {
        fn is_open(&self, gateway: GatewayIndex) -> bool {
            self.0.contains(&gateway) || self.1 == Some(gateway)
        }

        fn all(&self) -> impl Iterator<Item = (GatewayIndex, Certainty)> {
            let lost = self.1.map(|gateway| (gateway, Perhaps));
            self.0.iter().map(|gateway| (*gateway, Known)).chain(lost)
        }

        fn topics_of(&self, _: GatewayIndex) -> Option<List> {
            None
        }

        fn out_of_step(&self) -> GatewayIndexes {
            self.1.into_iter().collect()
        }
    }

    const FIRST: GatewayIndex = GatewayIndex(3);
    const SECOND: GatewayIndex = GatewayIndex(5);
    const LOOSE: GatewayIndex = GatewayIndex(7);
    const CLOSED: GatewayIndex = GatewayIndex(9);

    type Expected<'a> = Vec<(GatewayIndex, Certainty, TargetRef<'a>)>;

    fn check(open: &Open, cases: Vec<(&str, Expected<'_>)>) {
        let presence = Presence::default();
        let held = [
            ("a", FIRST),
            ("b", FIRST),
            ("b", SECOND),
            ("c", SECOND),
            ("d", CLOSED),
            ("l", LOOSE),
            ("m", LOOSE),
            ("m", FIRST),
        ];
        for (user, gateway) in held {
            presence.came(user, gateway, Epoch(1));
        }
        for (to, expected) in cases {
            let body = format!(r#"{{"to":{to},"data":1}}"#);
            let push = parse(body.as_bytes()).expect(to);
            let mut routes = route(&push.to, &presence, &Topics::default(), open);
            routes.sort_by_key(|route| route.gateway);
            let routes = routes.into_iter();
            let found = routes.map(|route| (route.gateway, route.certainty, route.target));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{to}");
        }
    }

    #[test]
    fn pushes_go_where_their_users_are() {
        let (all, topic) = (TargetRef::All, TargetRef::Topic("t"));
        let cases = vec![
            (r#"{"user":"a"}"#, vec![(FIRST, Known, TargetRef::User("a"))]),
            (r#"{"user":"d"}"#, vec![]),
            (r#"{"user":"l"}"#, vec![]),
            (r#"{"user":"nobody"}"#, vec![]),
            (
                r#"{"users":["c","b","a","d","e","b"]}"#,
                vec![
                    (FIRST, Known, TargetRef::Users(vec!["a", "b"])),
                    (SECOND, Known, TargetRef::Users(vec!["b", "c"])),
                ],
            ),
            (r#"{"topic":"t"}"#, vec![(FIRST, Known, topic.clone()), (SECOND, Known, topic)]),
            (r#"{"all":true}"#, vec![(FIRST, Known, all.clone()), (SECOND, Known, all)]),
        ];
        check(&Open([FIRST, SECOND], None), cases);
    }

    #[test]
    fn a_gateway_out_of_step_may_hold_anybody() {
        let user = TargetRef::User;
        let cases = vec![
            (r#"{"user":"a"}"#, vec![(FIRST, Known, user("a")), (LOOSE, Perhaps, user("a"))]),
            (r#"{"user":"l"}"#, vec![(LOOSE, Known, user("l"))]),
            (r#"{"user":"m"}"#, vec![(FIRST, Known, user("m")), (LOOSE, Known, user("m"))]),
            (r#"{"user":"d"}"#, vec![(LOOSE, Perhaps, user("d"))]),
            (
                r#"{"users":["a","d"]}"#,
                vec![
                    (FIRST, Known, TargetRef::Users(vec!["a"])),
                    (LOOSE, Perhaps, TargetRef::Users(vec!["a", "d"])),
                ],
            ),
            (
                r#"{"users":["a","l"]}"#,
                vec![
                    (FIRST, Known, TargetRef::Users(vec!["a"])),
                    (LOOSE, Known, TargetRef::Users(vec!["a", "l"])),
                ],
            ),
            (
                r#"{"topic":"t"}"#,
                vec![
                    (FIRST, Known, TargetRef::Topic("t")),
                    (SECOND, Known, TargetRef::Topic("t")),
                    (LOOSE, Perhaps, TargetRef::Topic("t")),
                ],
            ),
        ];
        check(&Open([FIRST, SECOND], Some(LOOSE)), cases);
    }

    /// Where pushes to three topics go: one of which both gateways have subscribers, one of which the
    /// second has, and one of which none has. Something happens to the first gateway of the third push
    /// that has its list looked at twice.
    fn topical(meanwhile: &dyn Fn(&Interest)) -> [Vec<GatewayIndex>; 3] {
        let (open, topics) = (Open([FIRST, SECOND], Some(LOOSE)), Topics::default());
        let interest = [Interest::default(), Interest::default()];
        let lists = [interest[0].begin_anew(), interest[1].begin_anew()];
        assert!(topics.add("both", FIRST, &interest[0], lists[0]));
        for topic in ["both", "second"] {
            assert!(topics.add(topic, SECOND, &interest[1], lists[1]));
        }
        (0..2).for_each(|one| interest[one].complete(lists[one]));
        let naming = Naming { open, interest, meanwhile, looks: Cell::new(0) };
        ["both", "second", "none"].map(|topic| {
            naming.looks.set(0);
            let body = format!(r#"{{"to":{{"topic":"{topic}"}},"data":1}}"#);
            let push = parse(body.as_bytes()).expect("valid");
            let routes = route(&push.to, &Presence::default(), &topics, &naming);
            routes.iter().map(|route| route.gateway).collect()
        })
    }

    #[test]
    fn topics_go_where_they_have_subscribers_or_may_have_some() {
        let expected = [vec![FIRST, SECOND, LOOSE], vec![SECOND, LOOSE], vec![LOOSE]];
        assert_eq!(topical(&|_| ()), expected);
    }

    #[test]
    fn a_list_that_ends_while_it_is_looked_at_says_nothing() {
        let expected = [vec![FIRST, SECOND, LOOSE], vec![FIRST, SECOND, LOOSE]];
        let ended = topical(&|interest| {
            interest.begin_anew();
        });
        assert_eq!(ended[..2], expected);
        let replaced = topical(&|interest| interest.complete(interest.begin_anew()));
        assert_eq!(replaced[..2], expected);
    }
}
