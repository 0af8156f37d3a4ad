//! Recognises a push that comes a second time under the id its backend chose.

mod claims;

mod answers;

mod table;

pub(crate) use self::{
    claims::{Claim, Collecting, Dedupe, Repeated},
    table::Key,
};
