//! What a log may be, after answers that leave it open.

use super::reference::Reference;

/// The references that everything so far is true of.
#[derive(Debug)]
pub(super) struct Worlds(Vec<Reference>);

impl Worlds {
    pub(super) fn of(reference: Reference) -> Self {
        Self(vec![reference])
    }

    /// Does this to each, and keeps those of which it holds.
    ///
    /// # Errors
    /// Why it does not hold of the first, if it holds of none.
    pub(super) fn hold(
        &mut self,
        mut of: impl FnMut(&mut Reference) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut why = None;
        self.0.retain_mut(|reference| match of(reference) {
            Ok(()) => true,
            Err(this) => {
                why.get_or_insert(this);
                false
            }
        });
        why.filter(|_| self.0.is_empty()).map_or(Ok(()), Err)
    }

    /// Does this to each, which does not fail.
    pub(super) fn each(&mut self, change: impl FnMut(&mut Reference)) {
        self.0.iter_mut().for_each(change);
    }

    /// This may have been done, or not.
    pub(super) fn perhaps(&mut self, change: impl FnMut(&mut Reference)) {
        let mut others = self.0.clone();
        others.iter_mut().for_each(change);
        for other in others {
            if !self.0.contains(&other) {
                self.0.push(other);
            }
        }
        assert!(self.0.len() <= 64, "too much is left open");
    }

    pub(super) fn all(&self, of: impl Fn(&Reference) -> bool) -> bool {
        self.0.iter().all(of)
    }

    /// One of them, for what is the same in all.
    pub(super) fn any(&self) -> &Reference {
        self.0.first().expect("one remains")
    }
}
