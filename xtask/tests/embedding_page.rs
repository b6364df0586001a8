//! Checks that the programs that docs/guides/embedding.md compares are those that the
//! repository compiles.

use std::fs;
use std::path::Path;

/// The headings of the sections, and the files that they quote.
const QUOTES: [(&str, &str); 3] = [
    (
        "## Define your own contract",
        "examples/event-filter/examples/with_kumiki.rs",
    ),
    (
        "### The same with wasmtime",
        "examples/event-filter/examples/by_hand.rs",
    ),
    (
        "### The same with Extism",
        "benches/peers/extism/examples/event_filter.rs",
    ),
];

#[test]
fn code_of_the_embedding_page_is_quoted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/guides/embedding.md")).unwrap();
    for (heading, path) in QUOTES {
        let (_, section) = page.split_once(heading).unwrap();
        let (_, code) = section.split_once("```rust\n").unwrap();
        let (code, _) = code.split_once("```").unwrap();
        let source = fs::read_to_string(root.join(path)).unwrap();
        let mut lines = source.lines();
        for line in code.lines() {
            assert!(
                lines.any(|its| its == line),
                "`{line}` under `{heading}` is not in {path}, or in another place"
            );
        }
    }
}
