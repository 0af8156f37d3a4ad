//! The registry against a plain model of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::BytesMut;
use futures::FutureExt;
use proptest::prelude::*;
use protocol::link::{PresenceChanges, Up};

use super::*;
use crate::uplink::queue::LinkQueue;

const LIMIT: usize = 3;

#[derive(Debug, Clone)]
enum Step {
    Register {
        user: u8,
        device: Option<u8>,
    },
    /// Takes out the session that was registered as this one, for this user.
    Unregister {
        user: u8,
        session: u64,
    },
    /// Another gateway claims a device; the session here stays or does not.
    Contend {
        user: u8,
        device: u8,
        stays: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..4_u8, proptest::option::of(0..3_u8))
            .prop_map(|(user, device)| Step::Register { user, device }),
        2 => (0..4_u8, 0..40_u64).prop_map(|(user, session)| Step::Unregister { user, session }),
        2 => (0..4_u8, 0..3_u8, any::<bool>())
            .prop_map(|(user, device, stays)| Step::Contend { user, device, stays }),
    ]
}

/// The sessions of each user: id and device.
type Model = BTreeMap<u8, Vec<(u64, Option<u8>)>>;

/// The session that is replaced, if one is.
fn register(model: &mut Model, user: u8, id: u64, device: Option<u8>) -> Result<Option<u64>, ()> {
    let sessions = model.entry(user).or_default();
    let same = sessions.iter().position(|(_, other)| device.is_some() && *other == device);
    match same {
        Some(same) => Ok(Some(std::mem::replace(&mut sessions[same].0, id))),
        None if sessions.len() >= LIMIT => Err(()),
        None => {
            sessions.push((id, device));
            Ok(None)
        }
    }
}

/// Who is here, as the changes that went up say.
fn told(link: &LinkQueue) -> BTreeSet<String> {
    let mut users = BTreeSet::new();
    let mut bytes = BytesMut::new();
    while let Some(Some(more)) = link.next().now_or_never() {
        bytes.extend_from_slice(&more);
    }
    while let Some(Up::Presence { changes, .. }) = Up::decode(&mut bytes).unwrap() {
        for change in PresenceChanges::new(&changes) {
            match change.unwrap() {
                PresenceChange::Came(user) => assert!(users.insert(user.to_owned()), "twice"),
                PresenceChange::Went(user) => assert!(users.remove(user), "never came"),
                other => panic!("{other:?}"),
            }
        }
    }
    users
}

proptest! {
    #[test]
    fn sessions_are_what_was_registered(steps in prop::collection::vec(step(), 0..60)) {
        let (registry, feed, link) =
            (Registry::<u64>::default(), PresenceFeed::default(), Arc::<LinkQueue>::default());
        feed.attach(Arc::clone(&link));
        let mut model = Model::new();
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::Register { user, device } => {
                    let registration = Registration {
                        id: SessionId(number),
                        address: number,
                        device: device.map(|device| Device::new(&device.to_string()).unwrap()),
                    };
                    let name = UserId::new(&user.to_string()).unwrap();
                    let replaced = registry.register(&name, registration, LIMIT, &feed);
                    let expected = register(&mut model, user, number, device);
                    prop_assert_eq!(replaced.map_err(drop), expected);
                }
                Step::Unregister { user, session } => {
                    registry.unregister(&user.to_string(), SessionId(session), &feed);
                    model.entry(user).or_default().retain(|(id, _)| *id != session);
                }
                Step::Contend { user, device, stays } => {
                    let name = UserId::new(&user.to_string()).unwrap();
                    let of_device = Device::new(&device.to_string()).unwrap();
                    let sessions = model.entry(user).or_default();
                    let position = sessions.iter().position(|(_, its)| *its == Some(device));
                    let mut asked = None;
                    let stays_if_asked = |id: SessionId| {
                        asked = Some(id.0);
                        stays
                    };
                    let replaced = registry.contend(&name, &of_device, stays_if_asked, &feed);
                    prop_assert_eq!(asked, position.map(|position| sessions[position].0));
                    let gone = position.filter(|_| !stays).map(|gone| sessions.remove(gone).0);
                    prop_assert_eq!(replaced, gone);
                }
            }
        }
        model.retain(|_, sessions| !sessions.is_empty());
        prop_assert_eq!(registry.users(), model.len());
        for user in 0..4_u8 {
            let name = user.to_string();
            let found: Vec<_> = registry.sessions(&name).iter().map(|one| one.id.0).collect();
            let sessions = model.get(&user).cloned().unwrap_or_default();
            let devices: BTreeSet<_> = sessions.iter().filter_map(|(_, device)| *device).collect();
            let expected: Vec<_> = sessions.into_iter().map(|(id, _)| id).collect();
            let mut visited = Vec::new();
            prop_assert_eq!(registry.visit(&name, |one| visited.push(one.address)), expected.len());
            prop_assert_eq!(&visited, &expected);
            prop_assert_eq!(&found, &expected);
            for one in registry.sessions(&name) {
                let found = |device| registry.session(&name, device, one.id);
                prop_assert_eq!(found(one.device.as_ref()), Some(one.address));
                let other = Device::new("other").unwrap();
                prop_assert_eq!(found(Some(&other)), None);
            }
            for number in 0..3_u8 {
                let device = Device::new(&number.to_string()).unwrap();
                prop_assert_eq!(registry.has_device(&name, &device), devices.contains(&number));
            }
            let mut is_here = false;
            registry.while_here(&name, || is_here = true);
            prop_assert_eq!(is_here, !expected.is_empty());
        }
        let online: BTreeSet<_> = model.keys().map(ToString::to_string).collect();
        let all = registry.all_users();
        let known: BTreeSet<_> = all.iter().map(|user| user.as_str().to_owned()).collect();
        prop_assert_eq!((all.len(), &known), (online.len(), &online));
        prop_assert_eq!(told(&link), online);
    }
}
