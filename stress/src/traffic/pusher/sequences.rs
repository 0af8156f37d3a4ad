//! The numbers that messages of a run carry: for each user a sequence, and one for everybody.

/// The last number of each.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    /// By the user's place among those who are online.
    users: Vec<u32>,
    everybody: u32,
}

impl Sequences {
    /// The next number for the user at this place.
    pub(super) fn next_of(&mut self, place: usize) -> u32 {
        if self.users.len() <= place {
            self.users.resize(place + 1, 0);
        }
        self.users[place] = self.users[place].saturating_add(1);
        self.users[place]
    }

    /// The last number for the user at this place.
    pub(crate) fn last_of(&self, place: usize) -> u32 {
        self.users.get(place).copied().unwrap_or_default()
    }

    /// The next number for everybody.
    pub(super) fn next_of_all(&mut self) -> u32 {
        self.everybody = self.everybody.saturating_add(1);
        self.everybody
    }
}
