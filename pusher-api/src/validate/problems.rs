//! What is said of a wrong body, and the JSON pointer (RFC 6901) to the place.

use protocol::problem::Problem;
use serde_path_to_error::{Path, Segment};

/// It is no JSON.
pub(super) fn malformed(detail: String) -> Problem {
    Problem::new(400, "Malformed JSON", detail)
}

/// It is JSON and no push.
pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(422, "Invalid push", detail)
}

/// The pointer of a path; empty for the whole document.
pub(super) fn pointer_of(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

/// The message of a JSON error without its line and column: the pointer says it better.
pub(super) fn without_position(message: &str) -> &str {
    message.rfind(" at line ").map_or(message, |end| &message[..end])
}
