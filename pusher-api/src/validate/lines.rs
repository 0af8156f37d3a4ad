//! Cuts a streamed body into lines, holding no more than one unfinished line.

use bytes::BytesMut;

/// One line of the body, without its line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line to be read.
    Complete(&'a [u8]),
    /// A line above the limit; its bytes are not kept.
    TooLong,
}

/// Where in the body the reader is.
#[derive(Debug)]
pub struct Lines {
    limit: usize,
    number: u64,
    unfinished: BytesMut,
    /// Whether the line that was unfinished is complete and has been handed over.
    handed_over: bool,
    too_long: bool,
}

impl Lines {
    /// Lines of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, number: 0, unfinished: BytesMut::new(), handed_over: false, too_long: false }
    }

    /// The next line that ends in these bytes of the body, with its number counted from 1. They are
    /// taken off the front; once none is left, the line they begin is kept for the next ones.
    pub fn next<'line, 'chunk: 'line>(
        &'line mut self,
        bytes: &mut &'chunk [u8],
    ) -> Option<(u64, Line<'line>)> {
        self.forget_handed_over();
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.keep(std::mem::take(bytes));
            return None;
        };
        let (head, tail) = (&bytes[..end], &bytes[end + 1..]);
        *bytes = tail;
        self.number += 1;
        let too_long =
            std::mem::take(&mut self.too_long) || self.unfinished.len() + head.len() > self.limit;
        let line = if too_long {
            self.unfinished.clear();
            Line::TooLong
        } else if self.unfinished.is_empty() {
            Line::Complete(head)
        } else {
            self.unfinished.extend_from_slice(head);
            self.handed_over = true;
            Line::Complete(&self.unfinished)
        };
        Some((self.number, line))
    }

    /// What is left at the end of the body: a last line needs no line break.
    pub fn last(&mut self) -> Option<(u64, Line<'_>)> {
        self.forget_handed_over();
        let line = match self.too_long {
            true => Line::TooLong,
            false if self.unfinished.is_empty() => return None,
            false => Line::Complete(&self.unfinished),
        };
        Some((self.number + 1, line))
    }

    /// Bytes of memory that the unfinished line takes.
    pub fn held(&self) -> usize {
        self.unfinished.capacity()
    }

    fn forget_handed_over(&mut self) {
        if std::mem::take(&mut self.handed_over) {
            self.unfinished.clear();
        }
    }

    fn keep(&mut self, start: &[u8]) {
        if self.too_long || self.unfinished.len() + start.len() > self.limit {
            self.too_long = true;
            self.unfinished = BytesMut::new();
        } else {
            self.unfinished.extend_from_slice(start);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 6;

    fn split(body: &[u8], steps: &[usize]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(LIMIT);
        let mut found = Vec::new();
        let mut rest = body;
        let mut steps = steps.iter().cycle();
        while !rest.is_empty() {
            let step = (*steps.next().expect("never empty")).min(rest.len());
            let (mut chunk, tail) = rest.split_at(step);
            while let Some((number, line)) = lines.next(&mut chunk) {
                found.push((number, owned(line)));
            }
            rest = tail;
        }
        found.extend(lines.last().map(|(number, line)| (number, owned(line))));
        found
    }

    fn owned(line: Line<'_>) -> Option<Vec<u8>> {
        match line {
            Line::Complete(bytes) => Some(bytes.to_vec()),
            Line::TooLong => None,
        }
    }

    fn expected(body: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines: Vec<_> = body.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let kept = |line: &[u8]| (line.len() <= LIMIT).then(|| line.to_vec());
        (1..).zip(lines.into_iter().map(kept)).collect()
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_the_chopping(
            body in "[ab\n]{0,60}",
            steps in prop::collection::vec(1_usize..9, 1..8),
        ) {
            prop_assert_eq!(split(body.as_bytes(), &steps), expected(body.as_bytes()));
        }
    }

    #[test]
    fn a_long_line_is_not_kept() {
        let mut lines = Lines::new(LIMIT);
        for _ in 0..1000 {
            assert_eq!(lines.next(&mut b"0123456789".as_slice()), None);
            assert!(lines.unfinished.capacity() <= LIMIT * 2);
        }
    }
}
