//! The limits, one function each, in the order in which a session meets them.

mod buffers;
mod conntrack;
mod descriptors;
mod endings;
mod lookup;
mod memory;
mod ports;
mod queues;

use crate::{machine::Machine, question::Question, row::Row};

/// From here on settings are suggested that small servers need not care about.
const MANY: u64 = 100_000;

/// A machine and what is wanted of it.
pub struct Case<'a> {
    /// What is wanted.
    pub question: &'a Question,
    /// What there is.
    pub machine: &'a Machine,
}

impl Case<'_> {
    /// Every limit.
    pub fn rows(&self) -> Vec<Row> {
        let groups = [
            descriptors::rows(self),
            queues::rows(self),
            lookup::rows(self),
            conntrack::rows(self),
            ports::rows(self),
            buffers::rows(self),
            endings::rows(self),
            memory::rows(self),
        ];
        groups.into_iter().flatten().map(Row::settled).collect()
    }

    fn wanted(&self) -> u64 {
        self.question.sessions
    }

    /// Ends of a session on this machine.
    fn ends(&self) -> u64 {
        1 + u64::from(self.question.with_client)
    }

    /// Sessions that the process is likely to hold already: its namespace's sockets, but not more
    /// than its descriptors.
    fn held(&self) -> u64 {
        match self.question.process {
            None => 0,
            Some(_) => {
                let sockets = self.machine.counters.tcp_sockets / self.ends();
                sockets.min(self.machine.process.descriptors.table)
            }
        }
    }

    fn get(&self, name: &str) -> Option<u64> {
        self.machine.sysctls.get(name)
    }
}

#[cfg(test)]
mod tests;
