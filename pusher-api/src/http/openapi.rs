//! The description of the API: a file, which tests hold against what is served.

use actix_web::{HttpResponse, http::header::ContentType};

/// The OpenAPI document.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

/// This description.
pub(super) async fn openapi() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(DOCUMENT)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;
    use crate::http::routes::{ENDPOINTS, Query};

    /// An operation as far as the table of routes knows it.
    #[derive(Debug, PartialEq, Eq)]
    struct Operation {
        statuses: BTreeSet<String>,
        query: BTreeSet<String>,
        scope: Option<String>,
    }

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).expect("JSON")
    }

    /// What a value is, or what its reference points to.
    fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        let pointer = reference.strip_prefix('#').expect("within the document");
        document.pointer(pointer).unwrap_or_else(|| panic!("{reference} is not there"))
    }

    fn described(document: &Value, operation: &Value) -> Operation {
        let keys = operation["responses"].as_object().expect("responses").keys();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|parameter| resolved(document, parameter));
        let query = parameters.filter(|parameter| parameter["in"] == "query");
        let text = operation["description"].as_str().expect("a description");
        let scope = text.split_once("Scope: `").and_then(|(_, rest)| rest.split('`').next());
        // A key is asked for unless an operation says otherwise.
        assert_eq!(operation["security"].is_null(), scope.is_some(), "{operation}");
        Operation {
            statuses: keys.cloned().collect(),
            query: query.map(|it| it["name"].as_str().expect("a name").to_owned()).collect(),
            scope: scope.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_served_is_described_and_nothing_else() {
        let document = document();
        let mut found = BTreeMap::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let place = (path.clone(), method.to_uppercase());
                found.insert(place, described(&document, operation));
            }
        }
        let served = ENDPOINTS.iter().map(|endpoint| {
            let query = match endpoint.query {
                Query::Only(names) => names,
                Query::OfThePage => &[],
            };
            let operation = Operation {
                statuses: endpoint.statuses.iter().map(u16::to_string).collect(),
                query: query.iter().map(|name| (*name).to_owned()).collect(),
                scope: endpoint.scope.map(|scope| scope.as_str().to_owned()),
            };
            ((endpoint.path.to_owned(), endpoint.method.to_string()), operation)
        });
        assert_eq!(found, served.collect());
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_is_left_over() {
        let document = document();
        let mut used = BTreeSet::new();
        for (at, _) in DOCUMENT.match_indices("\"#/components/") {
            let reference = DOCUMENT[at + 2..].split('"').next().expect("a reference");
            assert!(document.pointer(reference).is_some(), "{reference} is not there");
            used.insert(reference.to_owned());
        }
        for (kind, components) in document["components"].as_object().expect("components") {
            for name in components.as_object().expect("a map").keys() {
                let place = format!("/components/{kind}/{name}");
                assert!(kind == "securitySchemes" || used.contains(&place), "{place} is unused");
            }
        }
    }

    #[test]
    fn operations_have_names_of_their_own_and_errors_are_problems() {
        let document = document();
        let mut names = BTreeSet::new();
        for methods in document["paths"].as_object().expect("paths").values() {
            for operation in methods.as_object().expect("methods").values() {
                let name = operation["operationId"].as_str().expect("a name");
                assert!(names.insert(name), "{name} is there twice");
                for (status, response) in operation["responses"].as_object().expect("responses") {
                    let response = resolved(&document, response);
                    let kinds = response["content"].as_object().expect("content");
                    let is_problem = kinds.keys().eq(["application/problem+json"]);
                    assert_eq!(is_problem, status.as_str() >= "400", "{status} of {name}");
                    let wants_pause = status == "503";
                    assert_eq!(
                        response["headers"]["Retry-After"].is_object(),
                        wants_pause,
                        "{name}"
                    );
                }
            }
        }
    }
}
