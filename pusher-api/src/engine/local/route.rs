//! Which gateways a push goes to: those that hold the user, or all of them.

use std::collections::BTreeMap;

use protocol::link::TargetRef;
use smallvec::{SmallVec, smallvec};

use super::presence::{GatewayIndex, Presence};
use crate::validate::{Name, To};

/// The gateways of one push, each with the part of the target that it holds.
pub(crate) type Routes<'a> = SmallVec<[(GatewayIndex, TargetRef<'a>); 2]>;

/// The gateways that take pushes.
pub(crate) trait OpenGateways {
    /// Whether this one does.
    fn is_open(&self, gateway: GatewayIndex) -> bool;
    /// All that do.
    fn all(&self) -> impl Iterator<Item = GatewayIndex>;
}

/// Looks up where a push has to go.
pub(crate) fn route<'a>(
    to: &'a To<'_>,
    presence: &Presence,
    open: &impl OpenGateways,
) -> Routes<'a> {
    match to {
        To::User(user) => {
            let holding = presence.gateways_of(user.as_str());
            let holding = holding.into_iter().filter(|gateway| open.is_open(*gateway));
            holding.map(|gateway| (gateway, TargetRef::User(user.as_str()))).collect()
        }
        To::Users(users) => group(&users.0, presence, open),
        To::Topic(topic) => everywhere(open, &TargetRef::Topic(topic.as_str())),
        To::All(_) => everywhere(open, &TargetRef::All),
    }
}

fn everywhere<'a>(open: &impl OpenGateways, target: &TargetRef<'a>) -> Routes<'a> {
    open.all().map(|gateway| (gateway, target.clone())).collect()
}

fn group<'a>(users: &'a [Name<'_>], presence: &Presence, open: &impl OpenGateways) -> Routes<'a> {
    let mut groups = BTreeMap::<GatewayIndex, Vec<&'a str>>::new();
    for user in users {
        for gateway in presence.gateways_of(user.as_str()) {
            if open.is_open(gateway) {
                groups.entry(gateway).or_default().push(user.as_str());
            }
        }
    }
    let mut routes: Routes<'a> = smallvec![];
    routes.extend(groups.into_iter().map(|(gateway, users)| (gateway, TargetRef::Users(users))));
    routes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::local::presence::Epoch, validate::parse};

    impl<const N: usize> OpenGateways for [GatewayIndex; N] {
        fn is_open(&self, gateway: GatewayIndex) -> bool {
            self.contains(&gateway)
        }

        fn all(&self) -> impl Iterator<Item = GatewayIndex> {
            self.iter().copied()
        }
    }

    #[test]
    fn pushes_go_where_their_users_are() {
        let presence = Presence::default();
        let indexes = [GatewayIndex(3), GatewayIndex(5), GatewayIndex(9)];
        let [first, second, closed] = indexes;
        for (user, gateway) in
            [("a", first), ("b", first), ("b", second), ("c", second), ("d", closed)]
        {
            presence.came(user, gateway, Epoch(1));
        }
        let open = [first, second];
        let (all, topic) = (TargetRef::All, TargetRef::Topic("t"));
        let cases: [(&str, Vec<_>); 6] = [
            (r#"{"user":"a"}"#, vec![(first, TargetRef::User("a"))]),
            (r#"{"user":"d"}"#, vec![]),
            (r#"{"user":"nobody"}"#, vec![]),
            (
                r#"{"users":["c","b","a","d","e","b"]}"#,
                vec![
                    (first, TargetRef::Users(vec!["a", "b"])),
                    (second, TargetRef::Users(vec!["b", "c"])),
                ],
            ),
            (r#"{"topic":"t"}"#, vec![(first, topic.clone()), (second, topic)]),
            (r#"{"all":true}"#, vec![(first, all.clone()), (second, all)]),
        ];
        for (to, expected) in cases {
            let body = format!(r#"{{"to":{to},"data":1}}"#);
            let push = parse(body.as_bytes()).expect(to);
            assert_eq!(route(&push.to, &presence, &open).to_vec(), expected, "{to}");
        }
    }
}
