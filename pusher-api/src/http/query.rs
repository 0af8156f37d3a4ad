//! The parameters of a query: those a route knows, each once.

use actix_web::web::Query;
use protocol::problem::{Problem, excerpt};

/// Name and value, in the order they were given.
type Parameters = Vec<(String, String)>;

/// Refuses parameters that a route does not know: one that is misspelt would be ignored, and
/// `?Device=phone` close the sessions of all devices.
///
/// # Errors
/// 422 that names the parameter.
pub(super) fn check(text: &str, known: &[&str]) -> Result<(), Problem> {
    if text.is_empty() {
        return Ok(());
    }
    let parameters = parameters(text)?;
    for (place, (name, _)) in parameters.iter().enumerate() {
        let shown = excerpt(name);
        if !known.contains(&name.as_str()) {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(wrong(format!("there is no parameter {shown:?} here; known: {known}")));
        }
        if parameters[..place].iter().any(|(earlier, _)| earlier == name) {
            return Err(wrong(format!("{shown} is given twice")));
        }
    }
    Ok(())
}

/// The value of a parameter, if it is given.
///
/// # Errors
/// 422 for what is no query.
pub(super) fn value(text: &str, name: &str) -> Result<Option<String>, Problem> {
    let mut parameters = parameters(text)?.into_iter();
    Ok(parameters.find(|(known, _)| known == name).map(|(_, value)| value))
}

/// What is wrong with a query.
pub(super) fn wrong(detail: impl Into<String>) -> Problem {
    Problem::new(422, "Invalid query", detail)
}

fn parameters(text: &str) -> Result<Parameters, Problem> {
    let parameters = Query::<Parameters>::from_query(text);
    parameters.map(Query::into_inner).map_err(|_| wrong("write it as name=value&name=value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_repeated_parameters_are_named() {
        let cases: &[(&str, &[&str], Option<&str>)] = &[
            ("", &[], None),
            ("receipt=1s", &["receipt"], None),
            ("b=&a=1", &["a", "b"], None),
            ("receipts=1s", &["receipt"], Some("\"receipts\" here; known: receipt")),
            ("Receipt=1s", &["receipt"], Some("\"Receipt\"")),
            ("a=1&c=2", &["a", "b"], Some("\"c\" here; known: a, b")),
            ("x", &[], Some("\"x\" here; known: none")),
            ("a=1&b=2&a=1", &["a", "b"], Some("a is given twice")),
            ("%61=1", &["a"], None),
        ];
        for (text, known, expected) in cases {
            let found = check(text, known).err().map(|problem| problem.detail);
            match expected {
                None => assert_eq!(found, None, "{text}"),
                Some(part) => {
                    assert!(found.as_ref().is_some_and(|it| it.contains(part)), "{found:?}")
                }
            }
        }
        let long = check(&"x".repeat(60_000), &[]).expect_err("unknown");
        assert!(long.detail.len() < 200, "{} bytes", long.detail.len());
    }

    #[test]
    fn values_are_decoded() {
        let value = |name| value("a=1%202&b=x+y&c", name).expect("a query");
        assert_eq!(value("a").as_deref(), Some("1 2"));
        assert_eq!(value("b").as_deref(), Some("x y"));
        assert_eq!(value("c").as_deref(), Some(""));
        assert_eq!(value("d"), None);
    }
}
