//! Bytes from files that `stress merge` is given.

/// What is taken for a report makes a whole page without scripts; what is not is told apart.
pub(crate) fn stress_report(data: &[u8]) {
    match stress::internals::page_of_report(data) {
        Ok(page) => {
            assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
            assert!(!page.contains("<script"), "{page}");
        }
        Err(problem) => assert!(!problem.is_empty()),
    }
}
