//! What is said of a wrong body, and the JSON pointer (RFC 6901) to the place.

use protocol::problem::Problem;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

/// It is no JSON.
pub(super) fn malformed(detail: String) -> Problem {
    Problem::new(400, "Malformed JSON", detail)
}

/// It is no JSON, as its parser found out.
pub(super) fn not_json(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    malformed(match error.classify() {
        Category::Eof => "the body ends in the middle of its JSON".to_owned(),
        _ => format!("the body is not JSON: see line {line}, column {column}"),
    })
}

/// It is JSON and no push.
pub(super) fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(422, "Invalid push", detail)
}

/// The pointer of a path; empty for the whole document.
pub(super) fn pointer_of(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let token = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                key.replace('~', "~0").replace('/', "~1")
            }
            // A name that is no text: what holds it is pointed to.
            Segment::Unknown => break,
        };
        pointer.push('/');
        pointer.push_str(&token);
    }
    pointer
}

/// What a field has to be, from the parser's message. The message also says what stood there instead,
/// which is the client's own text and of any length; the pointer says where to look.
pub(super) fn expectation(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.rfind(" at line ").map_or(message.as_str(), |end| &message[..end]);
    if error.classify() != Category::Data {
        // JSON's grammar was kept, so this is what only shows when a text is read.
        return "has an escaped surrogate without its other half".to_owned();
    }
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let known = message.rsplit_once(", expected ").map_or("none", |(_, known)| known);
        let known = known.trim_start_matches("one of ").replace('`', "");
        return format!("there is no such field; known: {known}");
    }
    if message.starts_with("duplicate field") {
        return "is given twice".to_owned();
    }
    let is_wrong_kind = message.starts_with("invalid ");
    match message.rsplit_once(", expected ").filter(|_| is_wrong_kind) {
        Some((_, expected)) => format!("must be {expected}"),
        None => message.to_owned(),
    }
}
