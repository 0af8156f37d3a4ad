//! What a peer says that this build does not know: skipped, counted, and told once for each kind.

use std::collections::BTreeSet;

/// Names remembered; a peer cannot make the log or this set grow with names it makes up.
const MOST_NAMES: usize = 64;

/// Which kinds of one link were met already.
#[derive(Debug, Default)]
pub struct UnknownKinds {
    frames: BTreeSet<u8>,
    names: BTreeSet<String>,
}

impl UnknownKinds {
    /// Whether a frame of this kind is the first one.
    pub fn is_new_frame(&mut self, kind: u8) -> bool {
        self.frames.insert(kind)
    }

    /// Whether a request or an answer of this name is the first one.
    pub fn is_new_name(&mut self, name: &str) -> bool {
        self.names.len() < MOST_NAMES && self.names.insert(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_new_once_and_names_are_bounded() {
        let mut kinds = UnknownKinds::default();
        assert_eq!([9, 9, 8].map(|kind| kinds.is_new_frame(kind)), [true, false, true]);
        assert_eq!(["a", "a", "b"].map(|name| kinds.is_new_name(name)), [true, false, true]);
        let new = (0..1000).filter(|number| kinds.is_new_name(&number.to_string())).count();
        assert_eq!(new, MOST_NAMES - 2);
    }
}
