//! How much there is to compile in a component.

use wasmparser::{Parser, Payload};

/// Bytes of code, in the core modules of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CodeSize {
    /// All code sections together.
    pub(super) total: usize,
    /// The largest function.
    pub(super) largest: usize,
}

impl CodeSize {
    /// Counts as far as the component can be read.
    pub(super) fn of(component: &[u8]) -> Self {
        let mut size = Self::default();
        for payload in Parser::new(0).parse_all(component) {
            match payload {
                Ok(Payload::CodeSectionStart { range, .. }) => size.total += range.len(),
                Ok(Payload::CodeSectionEntry(body)) => {
                    size.largest = size.largest.max(body.range().len());
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_all_modules_counts() {
        let size = |text: &str| CodeSize::of(&test_components::parse(text));
        let (total, largest) = (0, 0);
        assert_eq!(size("(component)"), CodeSize { total, largest });
        // Two bytes of an empty body, its length, and how many there are.
        let one = size("(component (core module (func)))");
        let (total, largest) = (4, 2);
        assert_eq!(one, CodeSize { total, largest });
        let nested = "(component (core module (func))
            (component (core module (func nop) (func))) (core module (memory 1)))";
        let (total, largest) = (4 + 8, 3);
        assert_eq!(size(nested), CodeSize { total, largest });
        let data = "(component (core module (memory 1) (data (i32.const 0) \"0123456789\")))";
        assert_eq!(size(data).total, 0);
        assert_eq!(CodeSize::of(b"nonsense"), CodeSize::default());
    }
}
