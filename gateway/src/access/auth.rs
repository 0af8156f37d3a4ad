//! Who a client is: the claims of its JWT (RFC 7519), checked against the keys that are in force.

use std::time::Instant;

use parking_lot::RwLock;
use protocol::{Device, UserId, claims::Claims, clock::since_epoch};
use tokens::{Ring, Token};

use super::{
    identity::Identity,
    keys::orders::{Order, Orders},
    rules::Rules,
    verified::{Remembered, Verified},
};
use crate::settings::{ClientSubscribe, KeySettings};

/// What a client shows of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Credentials<'a> {
    /// A JWT.
    pub token: Option<&'a str>,
    /// A user id that stands in for the token where there are no keys.
    pub user: Option<&'a str>,
    /// A device name, for a client whose token has none.
    pub device: Option<&'a str>,
}

/// Why a client was not let in, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unauthorized(pub String);

impl Unauthorized {
    fn because(why: impl std::fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// The keys at one time.
#[derive(Clone)]
struct InForce {
    ring: Ring,
    /// Counts their changes.
    number: u64,
}

/// Checks tokens against the keys in force; where no keys are configured it takes the client's word
/// for the user id.
pub(crate) struct Authenticator {
    is_open: bool,
    /// Whether what a client may subscribe to depends on its token.
    by_token: bool,
    keys: RwLock<InForce>,
    rules: Rules,
    verified: Verified,
    orders: Orders,
}

impl Authenticator {
    /// Checks tokens as it is set, without any key so far.
    pub(crate) fn new(settings: &KeySettings, orders: Orders) -> Self {
        Self {
            is_open: !settings.is_given(),
            by_token: settings.client_subscribe() == ClientSubscribe::Token,
            keys: RwLock::new(InForce { ring: Ring::default(), number: 0 }),
            rules: Rules::new(settings),
            verified: Verified::new(settings.token_memory),
            orders,
        }
    }

    /// Puts other keys in force; who is here already stays until its token ends.
    pub(crate) fn set_keys(&self, ring: Ring) {
        let mut keys = self.keys.write();
        *keys = InForce { ring, number: keys.number + 1 };
    }

    /// Gives back the memory of tokens that were checked too long ago; to be called now and then.
    pub(crate) fn forget(&self) {
        self.verified.forget(Instant::now());
    }

    /// Whether clients need no token.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether there should be keys and are none, because their URL has not answered yet.
    pub(crate) fn lacks_keys(&self) -> bool {
        !self.is_open && self.keys.read().ring.is_empty()
    }

    /// Finds out who the client is.
    ///
    /// # Errors
    /// Says what is wrong with the token, or that there is none.
    pub(crate) fn authenticate(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Identity, Unauthorized> {
        let Credentials { token, user, device } = credentials;
        let mut identity = match (token, user) {
            (_, Some(user)) if self.is_open => {
                let user = UserId::new(user).map_err(|why| Unauthorized(format!("user {why}")))?;
                Identity::of(user)
            }
            (_, None) if self.is_open => return Err(Unauthorized::because(NO_USER)),
            (Some(token), _) => self.verify(token)?,
            (None, Some(_)) => return Err(Unauthorized::because(USER_FOR_TOKEN)),
            (None, None) => return Err(Unauthorized::because(NO_TOKEN)),
        };
        if let (None, Some(device)) = (&identity.device, device) {
            let device = Device::new(device);
            identity.device = Some(device.map_err(|why| Unauthorized(format!("device {why}")))?);
        }
        Ok(identity)
    }

    /// Checks a token's signature and claims.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn verify(&self, token: &str) -> Result<Identity, Unauthorized> {
        let Remembered { mut identity, not_before, expires, .. } = self.read(token)?;
        let now = since_epoch().as_secs();
        let end = self.rules.check_time(not_before, expires, now);
        identity.expires = Some(end.map_err(Unauthorized::because)?);
        Ok(identity)
    }

    /// What the token says, if its signature is good now or was a moment ago.
    fn read(&self, text: &str) -> Result<Remembered, Unauthorized> {
        let token = Token::parse(text).map_err(Unauthorized::because)?;
        let InForce { ring, number } = self.keys.read().clone();
        // A code costs no more than looking it up.
        if token.algorithm == tokens::Algorithm::Hs256 {
            return self.check(&token, &ring, number);
        }
        let (digest, now) = (tokens::digest(text.as_bytes()), Instant::now());
        if let Some(remembered) = self.verified.find(&digest, number, now) {
            return Ok(remembered);
        }
        let checked = self.check(&token, &ring, number)?;
        self.verified.remember(digest, checked.clone(), now);
        Ok(checked)
    }

    fn check(&self, token: &Token<'_>, ring: &Ring, keys: u64) -> Result<Remembered, Unauthorized> {
        if let Err(refusal) = ring.check(token) {
            // Its key may be a new one, which whoever makes tokens has published meanwhile.
            if token.key_id.as_ref().is_some_and(|id| !ring.has_id(id)) {
                self.orders.give(Order::FindKey);
            }
            return Err(Unauthorized::because(refusal));
        }
        let json = token.claims().map_err(Unauthorized::because)?;
        let claims = Claims::read(&json).map_err(Unauthorized::because)?;
        self.rules.check_parties(&claims).map_err(Unauthorized::because)?;
        let (not_before, expires) = (claims.nbf.unwrap_or(0), claims.exp);
        let mut identity = Identity::from(claims);
        if !self.by_token {
            identity.subscribable.clear();
        }
        Ok(Remembered { identity, not_before, expires, keys })
    }
}

const NO_TOKEN: &str = "a token is required: Authorization: Bearer, ?token=, or the token of the \
                        connect frame";
const NO_USER: &str = "give ?user=ID, or user in the connect frame: no keys are configured here";
const USER_FOR_TOKEN: &str = "keys are configured here, so a user id does not stand in for a token: \
                              send one as Authorization: Bearer, ?token=, or in the connect frame";

#[cfg(test)]
mod tests;
