//! The floors of the house: a module imports only what `lib.rs` declares after it.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules, from the top downwards.
fn floors() -> Vec<String> {
    let text = fs::read_to_string(source().join("lib.rs")).expect("lib.rs");
    let declared = text.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    declared.map(str::to_owned).collect()
}

/// The code of a module and everything in it, file by file.
fn code_of(path: &Path, found: &mut Vec<(PathBuf, String)>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a folder");
        entries.for_each(|entry| code_of(&entry.expect("an entry").path(), found));
    } else if let Ok(text) = fs::read_to_string(path) {
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code: Vec<_> = text.lines().filter(is_code).collect();
        found.push((path.to_owned(), code.join(" ")));
    }
}

fn identifier(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The modules behind each `crate::` of some code.
fn imported(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for path in code.split("crate::").skip(1) {
        let Some(group) = path.strip_prefix('{') else {
            names.push(identifier(path));
            continue;
        };
        let (mut depth, mut start) = (1, 0);
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    names.push(identifier(group[start..].trim_start()));
                    start = at + 1;
                }
                _ => {}
            }
            if depth == 0 {
                names.push(identifier(group[start..].trim_start()));
                break;
            }
        }
    }
    names
}

#[test]
fn imports_are_found() {
    let code = "use crate::{ a::{b, c}, d, e::f }; use crate::g; let x = crate::h::i(); ";
    assert_eq!(imported(code), ["a", "d", "e", "g", "h"]);
}

#[test]
fn a_module_imports_only_what_is_declared_after_it() {
    let floors = floors();
    let mut seen = 0;
    for (here, module) in floors.iter().enumerate() {
        let mut code = Vec::new();
        code_of(&source().join(module), &mut code);
        code_of(&source().join(format!("{module}.rs")), &mut code);
        assert!(!code.is_empty(), "{module} is nowhere");
        for (file, code) in code {
            for name in imported(&code) {
                let Some(there) = floors.iter().position(|floor| floor == name) else { continue };
                assert!(there >= here, "{} imports {name}, which is above", file.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 80, "only {seen} imports were found");
}
