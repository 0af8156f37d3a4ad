//! Settings of the whole machine, which have to be as they were afterwards.

use crate::place::{Home, path};

/// A setting that was changed, and is put back however the case ends.
pub(crate) struct Kept<'a> {
    home: &'a Home,
    name: &'static str,
    before: String,
}

impl<'a> Kept<'a> {
    /// Remembers a setting.
    pub(crate) fn new(home: &'a Home, name: &'static str) -> Self {
        let before = home.within(|| std::fs::read_to_string(path(name)).unwrap());
        Self { home, name, before: before.trim().to_owned() }
    }

    /// What it was.
    pub(crate) fn before(&self) -> &str {
        &self.before
    }

    /// Changes it.
    pub(crate) fn set(&self, value: &str) {
        self.home.within(|| std::fs::write(path(self.name), value).unwrap());
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let back = self.home.within(|| std::fs::write(path(self.name), &self.before));
        if let Err(error) = back {
            eprintln!("{} could not be put back to {}: {error}", self.name, self.before);
        }
    }
}
