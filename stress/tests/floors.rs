//! The house has floors: `lib.rs` declares its rooms from the top downwards, and a room imports only
//! what is declared below it.

use std::{fs, path::Path};

#[test]
fn no_room_imports_from_above() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let root = fs::read_to_string(source.join("lib.rs")).expect("the root");
    let rooms: Vec<_> = root.lines().filter_map(declared).collect();
    assert!(rooms.len() > 1, "{rooms:?}");
    let mut wrong = Vec::new();
    for (floor, room) in rooms.iter().enumerate() {
        for (file, code) in files(&source.join(room)) {
            // What is no room stands in the root itself, above all of them.
            let above = |name: &&str| !rooms[floor..].contains(name);
            wrong.extend(names(&code).into_iter().filter(above).map(|it| format!("{file}: {it}")));
        }
    }
    assert!(wrong.is_empty(), "imports from above:\n{}", wrong.join("\n"));
}

#[test]
fn names_are_found_wherever_they_stand() {
    let code =
        "use crate::{\n a::B,\n c::{d, e::{F, G}},\n h,\n};\nfn i() { crate::j::k(crate::l) }";
    assert_eq!(names(code), ["a", "c", "h", "j", "l"]);
    assert_eq!(declared("pub(crate) mod a;"), Some("a"));
    assert_eq!(["pub use a;", "mod a {", "// mod a;"].map(declared), [None; 3]);
}

fn declared(line: &str) -> Option<&str> {
    let (visibility, name) = line.strip_suffix(';')?.split_once("mod ")?;
    ["", "pub ", "pub(crate) "].contains(&visibility).then_some(name)
}

/// Every Rust file in a folder and below it, without lines of comment.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a room is a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).expect("text");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.push((path.display().to_string(), code.collect::<Vec<_>>().join("\n")));
        }
    }
    found
}

/// The first name of each path that begins at the crate's root, in braces or not.
fn names(code: &str) -> Vec<&str> {
    let paths = code.split("crate::").skip(1);
    paths.flat_map(|path| path.strip_prefix('{').map_or(vec![first(path)], members)).collect()
}

/// The first name of each path in a list that ends with its brace.
fn members(list: &str) -> Vec<&str> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.extend(Some(first(&list[start..at])).filter(|name| !name.is_empty()));
                start = at + 1;
            }
            _ => {}
        }
        if letter == '}' && start > at {
            break;
        }
    }
    found
}

fn first(path: &str) -> &str {
    let ends = |letter: char| !letter.is_alphanumeric() && letter != '_';
    path.trim_start().split(ends).next().unwrap_or_default()
}
