//! The floors of this crate's house.

#[path = "../../../tests/floors/house.rs"]
mod house;

#[test]
fn a_module_imports_only_what_is_declared_after_it() {
    house::check(env!("CARGO_MANIFEST_DIR"));
}
