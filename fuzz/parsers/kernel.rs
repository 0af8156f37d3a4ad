//! Texts of the kernel. They are no attack, but differ between versions.

use limits::kernel_text::{
    alternating, column_sum, named_lines, numbers, paired_lines, per_processor,
};

/// Every reader over the same text: none panics, and none finds a name that is not there.
pub(crate) fn kernel_text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let found = [
        paired_lines(&text, "TcpExt"),
        alternating(&text, "TCP"),
        per_processor(&text),
        named_lines(&text),
    ];
    for name in found.iter().flat_map(|values| values.keys()) {
        assert!(text.contains(name.as_str()), "{name:?} was made up");
    }
    let _ = column_sum(&text, 1);
    if let Some(numbers) = numbers(&text) {
        assert_eq!(numbers.len(), text.split_whitespace().count());
    }
}
