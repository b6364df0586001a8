//! Shortens two texts for display, such that their difference stays visible.

use kumiki_pipeline::escape;

use super::answer::Text;

/// The characters of a text that are shown.
const SHOWN: usize = 160;

/// The characters before the first difference that are shown.
const BEFORE: usize = 40;

/// The part of a text that is shown, with invisible characters escaped.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    text: String,
    /// The length of the whole text, if it was shortened.
    note: String,
}

impl Part {
    pub(super) fn quoted(&self) -> String {
        format!("`{}`{}", self.text, self.note)
    }

    pub(super) fn plain(&self) -> String {
        format!("{}{}", self.text, self.note)
    }
}

/// The beginning of a text.
pub(super) fn shown(text: &Text) -> Part {
    part(text, 0)
}

/// Like [`shown`], for an old and a new text. If their first difference would not be
/// visible, both parts begin shortly before it.
pub(super) fn both_shown(old: &Text, new: &Text) -> (Part, Part) {
    let start = start(&old.start, &new.start);
    let (mut old_part, new_part) = (part(old, start), part(new, start));
    if old != new && old_part == new_part {
        old_part.note += ", different further on";
    }
    (old_part, new_part)
}

/// The character at which the shown parts of two texts begin.
fn start(old: &str, new: &str) -> usize {
    let pairs = old.chars().zip(new.chars());
    let same = pairs.take_while(|(old, new)| old == new).count();
    match same + BEFORE <= SHOWN {
        true => 0,
        false => same - BEFORE,
    }
}

/// The part of a text that begins at the character `start`.
fn part(text: &Text, start: usize) -> Part {
    let whole = &text.start;
    let byte = |character: usize, from: usize| {
        let mut places = whole[from..].char_indices();
        let place = places.nth(character);
        place.map_or(whole.len(), |(place, _)| from + place)
    };
    let from = byte(start, 0);
    let to = byte(SHOWN, from);
    let mut part = Part {
        text: escape(&whole[from..to]).into_owned(),
        note: String::new(),
    };
    if from > 0 {
        part.text.insert(0, '…');
    }
    if to < text.bytes {
        part.text.push('…');
        part.note = format!(" ({} bytes)", text.bytes);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(old: &str, new: &str) -> (String, String) {
        let (old, new) = both_shown(&Text::new(old), &Text::new(new));
        (old.quoted(), new.quoted())
    }

    #[test]
    fn short_texts_are_shown_whole() {
        for (old, new, expected) in [
            ("", "a", ("``", "`a`")),
            ("a ", "a", ("`a `", "`a`")),
            ("a\nb", "a\tb", ("`a\\nb`", "`a\\tb`")),
            ("木", "林", ("`木`", "`林`")),
            ("a", "a", ("`a`", "`a`")),
            ("\u{1b}[31m", "", ("`\\u{1b}[31m`", "``")),
        ] {
            let (old_part, new_part) = both(old, new);
            assert_eq!((&*old_part, &*new_part), expected, "{old:?} {new:?}");
        }
        let exact = "木".repeat(SHOWN);
        assert_eq!(shown(&Text::new(&exact)).quoted(), format!("`{exact}`"));
    }

    #[test]
    fn long_texts_are_cut() {
        let text = "木".repeat(SHOWN + 1);
        let expected = format!("`{}…` ({} bytes)", "木".repeat(SHOWN), text.len());
        assert_eq!(shown(&Text::new(&text)).quoted(), expected);
    }

    #[test]
    fn first_difference_is_visible() {
        for same in [0, 1, 100, SHOWN - BEFORE, SHOWN - BEFORE + 1, SHOWN, 5000] {
            for tail in [0, 1, SHOWN, 5000] {
                let old = "a".repeat(same) + "<old>" + &"b".repeat(tail);
                let new = "a".repeat(same) + "<new>" + &"b".repeat(tail);
                let (old_part, new_part) = both(&old, &new);
                let case = format!("{same} {tail}: {old_part} {new_part}");
                assert!(old_part.contains("old"), "{case}");
                assert!(new_part.contains("new"), "{case}");
                for part in [old_part, new_part] {
                    assert!(part.chars().count() < SHOWN + 30, "{case}");
                }
            }
        }
    }

    #[test]
    fn one_text_may_be_the_beginning_of_the_other() {
        let end = "a".repeat(BEFORE);
        let (old, new) = both(&"a".repeat(1000), &"a".repeat(1001));
        assert_eq!(old, format!("`…{end}`"));
        assert_eq!(new, format!("`…{end}a`"));
    }

    #[test]
    fn difference_after_the_kept_part_is_mentioned() {
        let long = |end: &str| "a".repeat(1 << 20) + end;
        let (old, new) = both(&long("x"), &long("y"));
        assert_eq!(old, format!("{new}, different further on"));
        let (old, new) = both(&long("x"), &long("x"));
        assert_eq!(old, new);
    }
}
