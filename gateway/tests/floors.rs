//! The floors of the gateway's house.

#[path = "../../tests/floors/house.rs"]
mod house;

#[test]
fn a_module_imports_only_what_is_declared_after_it() {
    house::check(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn a_session_asks_no_transport_by_name() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/session");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for name in ["websocket", "tcp::", "Transport::"] {
            assert!(!text.contains(name), "{} names {name}", path.display());
        }
    }
}
