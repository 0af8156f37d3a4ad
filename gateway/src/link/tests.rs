//! What tests of both directions of a link begin with.

use std::sync::Arc;

use protocol::link::{Offer, Terms};

use crate::{
    access::keys::keeper::Keeper,
    gateway::{Gateway, Inherited},
    ledger::Bounds,
    session::Shared,
    settings::tests::settings,
};

/// A gateway of one worker that holds nobody, with these flags.
pub(super) fn gateway(flags: &[&str]) -> Arc<Gateway> {
    let settings = settings(flags);
    let keeper = Keeper::load(&settings).expect("no keys");
    let Keeper { authenticator, link_secrets, operators_keys, .. } = keeper;
    let bounds = Bounds::of(&settings, None);
    let secrets = [link_secrets, operators_keys];
    let shared = Shared::new(settings, authenticator, bounds);
    Gateway::new(&shared, 1, "g".into(), secrets, Inherited::default())
}

/// What two of this build agree on.
pub(super) fn terms() -> Terms {
    Offer::OURS.agree(Offer::OURS).expect("our own")
}
