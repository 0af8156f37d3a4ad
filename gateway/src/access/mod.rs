//! Who may come in: who a client is ([`auth`], [`identity`]), by the [`keys`] that are in force and what
//! its token must say ([`rules`]); whether there is room for it ([`admission`]), how many may be on their
//! way ([`pending`]), and whether any can be taken at all ([`accepting`]). Tokens that were checked a
//! moment ago are remembered ([`verified`]). Who is here may be asked to come back ([`recalls`]).

pub(crate) mod accepting;
pub(crate) mod admission;
pub(crate) mod auth;
pub(crate) mod identity;
pub(crate) mod keys;
pub(crate) mod link_secrets;
pub(crate) mod pending;
pub(crate) mod recalls;
mod rules;
mod verified;
