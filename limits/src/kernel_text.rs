//! Texts of /proc and of cgroups that no library of ours reads. Their parsers take any bytes: what
//! does not fit is left out.

use std::collections::BTreeMap;

/// Values by name.
pub type Values = BTreeMap<String, u64>;

/// `/proc/net/netstat`: pairs of lines, names above values, both behind the same group.
pub fn paired_lines(text: &str, group: &str) -> Values {
    let mut lines = text.lines().filter_map(|line| {
        let (name, rest) = line.split_once(':')?;
        (name == group).then_some(rest)
    });
    let names = lines.next().unwrap_or_default().split_whitespace();
    let values = lines.next().unwrap_or_default().split_whitespace();
    let pair = |(name, value): (&str, &str)| Some((name.to_owned(), value.parse().ok()?));
    names.zip(values).filter_map(pair).collect()
}

/// `/proc/net/sockstat`: the line of a group, names and values in turn.
pub fn alternating(text: &str, group: &str) -> Values {
    let line = text.lines().find_map(|line| line.strip_prefix(group)?.strip_prefix(':'));
    let words: Vec<_> = line.unwrap_or_default().split_whitespace().collect();
    let pair = |pair: &[&str]| Some((pair[0].to_owned(), pair[1].parse().ok()?));
    words.chunks_exact(2).filter_map(pair).collect()
}

/// `/proc/net/stat/nf_conntrack`: a line of names, then one of hexadecimal values per processor,
/// which are added up.
pub fn per_processor(text: &str) -> Values {
    let mut lines = text.lines();
    let names: Vec<_> = lines.next().unwrap_or_default().split_whitespace().collect();
    let mut sums = Values::new();
    for line in lines {
        for (name, value) in names.iter().zip(line.split_whitespace()) {
            if let Ok(value) = u64::from_str_radix(value, 16) {
                let sum = sums.entry((*name).to_owned()).or_default();
                *sum = sum.saturating_add(value);
            }
        }
    }
    sums
}

/// `/proc/net/softnet_stat`: a column of hexadecimal values, a line per processor, added up.
pub fn column_sum(text: &str, column: usize) -> u64 {
    let value = |line: &str| u64::from_str_radix(line.split_whitespace().nth(column)?, 16).ok();
    text.lines().filter_map(value).fold(0, u64::saturating_add)
}

/// `memory.stat`, `memory.events`: a name and a value a line.
pub fn named_lines(text: &str) -> Values {
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.trim().parse().ok()?))
    };
    text.lines().filter_map(pair).collect()
}

/// A sysctl or a cgroup's limit: numbers, of which `max` is the largest there is.
pub fn numbers(text: &str) -> Option<Vec<u64>> {
    let number = |word: &str| if word == "max" { Some(u64::MAX) } else { word.parse().ok() };
    let found: Option<Vec<_>> = text.split_whitespace().map(number).collect();
    found.filter(|numbers| !numbers.is_empty())
}

/// Whether two settings say the same, however far apart their numbers stand.
pub fn same_words(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        let netstat = "TcpExt: A ListenDrops\nTcpExt: 1 7\nIpExt: In\nIpExt: 9\n";
        assert_eq!(paired_lines(netstat, "TcpExt")["ListenDrops"], 7);
        assert_eq!(paired_lines(netstat, "IpExt")["In"], 9);
        let sockstat =
            "sockets: used 3\nTCP: inuse 5 orphan 1 tw 2 alloc 9 mem 315\nTCP6: inuse 4\n";
        assert_eq!(alternating(sockstat, "TCP")["mem"], 315);
        assert_eq!(alternating(sockstat, "TCP6")["inuse"], 4);
        let conntrack = "entries drop\n000000c8  00000001\n000000c8  0000000f\n";
        assert_eq!(per_processor(conntrack)["drop"], 16);
        assert_eq!(column_sum("00000014 00000003\n00001784 0000000a\n", 1), 13);
        assert_eq!(named_lines("low 0\nmax 12\n")["max"], 12);
        assert_eq!(numbers("4096\t16384 max\n"), Some(vec![4096, 16384, u64::MAX]));
        assert_eq!(numbers("none"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC*", column in 0..4_usize) {
            paired_lines(&text, "TcpExt");
            alternating(&text, "TCP");
            per_processor(&text);
            column_sum(&text, column);
            named_lines(&text);
            numbers(&text);
        }

        #[test]
        fn what_is_written_is_read(values in proptest::collection::btree_map("[A-Za-z]{1,9}", any::<u64>(), 1..20)) {
            let join = |words: Vec<String>| words.join(" ");
            let names = join(values.keys().cloned().collect());
            let decimal = join(values.values().map(u64::to_string).collect());
            let hexadecimal = join(values.values().map(|value| format!("{value:08x}")).collect());
            let pairs = |middle: &str, end: &str| -> String {
                values.iter().map(|(name, value)| format!("{name}{middle}{value}{end}")).collect()
            };
            prop_assert_eq!(&paired_lines(&format!("X: 1\nX: 2\nT: {names}\nT: {decimal}\n"), "T"), &values);
            prop_assert_eq!(&alternating(&format!("TCP: {}\n", pairs(" ", " ")), "TCP"), &values);
            prop_assert_eq!(&per_processor(&format!("{names}\n{hexadecimal}\n")), &values);
            prop_assert_eq!(&named_lines(&pairs(" ", "\n")), &values);
            let all: Vec<_> = values.values().copied().collect();
            prop_assert_eq!(column_sum(&hexadecimal, 0), all[0]);
            prop_assert_eq!(numbers(&decimal), Some(all));
        }
    }
}
