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
    too_long: bool,
}

impl Lines {
    /// Lines of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, number: 0, unfinished: BytesMut::new(), too_long: false }
    }

    /// Takes the next bytes of the body and hands over each line that ends in them, with its
    /// number counted from 1.
    pub fn feed(&mut self, chunk: &[u8], mut on_line: impl FnMut(u64, Line<'_>)) {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (head, tail) = (&rest[..end], &rest[end + 1..]);
            self.number += 1;
            if self.too_long || self.unfinished.len() + head.len() > self.limit {
                on_line(self.number, Line::TooLong);
            } else if self.unfinished.is_empty() {
                on_line(self.number, Line::Complete(head));
            } else {
                self.unfinished.extend_from_slice(head);
                on_line(self.number, Line::Complete(&self.unfinished));
            }
            self.unfinished.clear();
            self.too_long = false;
            rest = tail;
        }
        self.keep(rest);
    }

    /// Takes the end of the body: a last line needs no line break.
    pub fn finish(mut self, mut on_line: impl FnMut(u64, Line<'_>)) {
        self.number += 1;
        if self.too_long {
            on_line(self.number, Line::TooLong);
        } else if !self.unfinished.is_empty() {
            on_line(self.number, Line::Complete(&self.unfinished));
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
            lines.feed(&rest[..step], |number, line| found.push((number, owned(line))));
            rest = &rest[step..];
        }
        lines.finish(|number, line| found.push((number, owned(line))));
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
            lines.feed(b"0123456789", |_, _| panic!("no line ends here"));
            assert!(lines.unfinished.capacity() <= LIMIT * 2);
        }
    }
}
