//! The floors of a crate: a module imports only what `lib.rs` declares after it, and no files import
//! each other in a circle. Each crate checks itself by this (`tests/floors.rs` there).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A file's place among the modules, `session::state` for example, and the places it imports from.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// Checks the crate in this folder.
///
/// # Panics
/// Names a file that imports from above, or files in a circle.
pub(crate) fn check(folder: &str) {
    let source = Path::new(folder).join("src");
    let mut files = BTreeMap::new();
    read(&source, &mut Vec::new(), &mut files);
    let root = files.remove("").expect("a crate has a lib.rs");
    let imports = imports(&files);
    check_order(&declared(&root), &imports);
    check_circles(imports);
}

/// Reads every file into `files`, by its place; tests are left out.
fn read(folder: &Path, place: &mut Vec<String>, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if name == "tests" || name == "main" {
            continue;
        }
        let inner = matches!(name.as_str(), "lib" | "mod");
        if !inner {
            place.push(name);
        }
        if path.is_dir() {
            read(&path, place, files);
        } else {
            let text = fs::read_to_string(&path).expect("text");
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code: Vec<_> = code.lines().filter(is_code).collect();
            files.insert(place.join("::"), code.join("\n"));
        }
        if !inner {
            place.pop();
        }
    }
}

/// The modules of a file, in the order in which they are declared.
fn declared(code: &str) -> Vec<&str> {
    let name = |line| {
        let module = str::trim_start_matches(line, "pub ").strip_prefix("mod ")?;
        module.strip_suffix(';')
    };
    code.lines().filter_map(name).collect()
}

/// What each file imports, as the places that name it, nearest first.
fn imports(files: &BTreeMap<String, String>) -> Imports {
    let found = files.iter().map(|(place, code)| {
        let mut places = BTreeSet::new();
        for (start, base) in [("crate::", String::new()), ("super::", parent(place))] {
            for rest in code.split(start).skip(1) {
                paths(&base, rest, &mut |path| {
                    places.extend(resolve(path, files).filter(|found| found != place));
                });
            }
        }
        (place.clone(), places)
    });
    found.collect()
}

fn parent(place: &str) -> String {
    place.rsplit_once("::").map_or(String::new(), |(parent, _)| parent.to_owned())
}

/// Calls `each` for every path of a use tree, or of an expression, that goes on from `base`.
fn paths(base: &str, rest: &str, each: &mut impl FnMut(&str)) -> usize {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    if !rest.starts_with('{') {
        let end = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
        let path = [base, &rest[..end]].join("::");
        return match rest[end..].strip_prefix("::") {
            Some(further) if !further.is_empty() => end + 2 + paths(&path, further, each),
            _ => {
                each(path.trim_start_matches("::"));
                end
            }
        };
    }
    let mut at = 1;
    while let Some(letter) = rest[at..].chars().next() {
        match letter {
            '}' => return at + 1,
            '{' => at += paths(base, &rest[at..], each),
            _ if is_name(letter) => at += paths(base, &rest[at..], each),
            _ => at += letter.len_utf8(),
        }
    }
    at
}

/// The file that a path leads into.
fn resolve(path: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let mut path = path;
    while !files.contains_key(path) {
        path = path.rsplit_once("::")?.0;
    }
    Some(path.to_owned())
}

fn check_order(floors: &[&str], imports: &Imports) {
    let floor = |place: &str| {
        let module = place.split("::").next()?;
        floors.iter().position(|floor| *floor == module)
    };
    for (place, imported) in imports {
        for below in imported {
            let (Some(here), Some(there)) = (floor(place), floor(below)) else { continue };
            assert!(there >= here, "{place} imports {below}, which is above");
        }
    }
    assert!(imports.values().any(|imported| !imported.is_empty()), "no imports were found");
}

/// Takes files away that import none of those left, until all are in circles or lead to one.
fn check_circles(mut imports: Imports) {
    loop {
        let left: BTreeSet<_> = imports.keys().cloned().collect();
        imports.values_mut().for_each(|imported| imported.retain(|place| left.contains(place)));
        imports.retain(|_, imported| !imported.is_empty());
        if imports.len() == left.len() {
            break;
        }
    }
    assert!(imports.is_empty(), "in a circle, or above one: {imports:#?}");
}

#[test]
fn paths_are_found() {
    let mut found = Vec::new();
    let code = "{a::{B, c::{self, D}}, e, f::g}; let x";
    paths("", code, &mut |path| found.push(path.to_owned()));
    paths("s", "h::i(1)", &mut |path| found.push(path.to_owned()));
    assert_eq!(found, ["a::B", "a::c::self", "a::c::D", "e", "f::g", "s::h::i"]);
    assert_eq!(declared("mod a;\npub mod b;\nmodern;\nmod c {\n"), ["a", "b"]);
}

#[test]
#[should_panic(expected = "in a circle")]
fn a_circle_is_found() {
    let files = [("a", "use crate::b::X;"), ("b", "use super::a::{Y};"), ("c", "crate::a::z()")];
    check_circles(imports(&files.map(|(place, code)| (place.into(), code.into())).into()));
}

#[test]
#[should_panic(expected = "b::c imports a, which is above")]
fn an_import_from_above_is_found() {
    let files = [("a", ""), ("b", "use crate::b::c;"), ("b::c", "use crate::{\n    a::X,\n};")];
    let files = files.map(|(place, code)| (place.into(), code.into())).into();
    check_order(&["a", "b"], &imports(&files));
}
