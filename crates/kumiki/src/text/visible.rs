//! Detection and escaping of characters that must not reach a terminal: those that
//! control it, that are invisible, or that reorder the surrounding text.
//!
//! A name with a zero-width space looks like another name, and text in tag characters is
//! hidden. All code that displays text from a plugin or a file uses this module to escape
//! such characters.

use std::borrow::Cow;

/// Returns whether a character is invisible: a terminal executes it or shows nothing.
///
/// These are the control characters, line and paragraph separators, characters that
/// change the direction of text, and all that Unicode calls *default ignorable*:
/// zero-width characters, the soft hyphen, fillers, variation selectors, tags. Spaces of
/// any width count as visible.
///
/// ```
/// use kumiki::is_invisible;
///
/// assert!(is_invisible('\u{200b}') && is_invisible('\x1b') && is_invisible('\n'));
/// assert!(!is_invisible('木') && !is_invisible(' '));
/// ```
#[must_use]
pub fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(
        c,
        // C1 controls, soft hyphen.
        '\u{80}'..='\u{9f}'
            | '\u{ad}'
            // Combining grapheme joiner, Arabic letter mark, fillers, and inherent vowels
            // without a glyph.
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{ffa0}'
            // Zero-width characters and direction marks.
            | '\u{200b}'..='\u{200f}'
            // Line and paragraph separators, embeddings and overrides.
            | '\u{2028}'..='\u{202e}'
            // Word joiner, invisible operators, isolates, deprecated formats.
            | '\u{2060}'..='\u{206f}'
            // Variation selectors, byte order mark.
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            // Interlinear annotation, and the reserved range before it.
            | '\u{fff0}'..='\u{fffb}'
            // Format characters of hieroglyphs, shorthand and musical notation.
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            // Tags, more variation selectors, and reserved characters.
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Escapes the invisible characters of a text (`\n`, `\u{200b}`), except those that `keep`
/// accepts. Also keeps a variation selector for emoji or text presentation directly after
/// a symbol that may be an emoji, because emoji are written this way.
///
/// ```
/// use kumiki::spell_out;
///
/// assert_eq!(spell_out("pay\u{200b}pal\n", |_| false), "pay\\u{200b}pal\\n");
/// assert_eq!(spell_out("two\nlines", |c| c == '\n'), "two\nlines");
/// ```
#[must_use]
pub fn spell_out(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_hidden = |c: char| is_invisible(c) && !keep(c);
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut before = None;
    for c in text.chars() {
        if is_hidden(c) && !is_presentation(c, before) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(escaped)
}

/// Returns whether `c` selects the presentation of the symbol before it.
fn is_presentation(c: char, before: Option<char>) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}') && before.is_some_and(is_symbol)
}

/// Returns whether a character is in a block with emoji; all characters there are visible.
fn is_symbol(c: char) -> bool {
    matches!(
        c,
        '©' | '®'
            | '\u{203c}'
            | '\u{2049}'
            | '\u{2122}'
            | '\u{2139}'
            // Arrows, technical symbols, enclosed letters.
            | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{24c2}'
            // Shapes, miscellaneous symbols, dingbats.
            | '\u{25a0}'..='\u{27bf}'
            | '\u{2934}'..='\u{2935}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{3030}'
            | '\u{303d}'
            | '\u{3297}'
            | '\u{3299}'
            // Pictographs.
            | '\u{1f000}'..='\u{1faff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_detected() {
        let invisible = "\0\x1b\n\x7f\u{85}\u{9b}\u{ad}\u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\u{200b}\
                         \u{200d}\u{200f}\u{2028}\u{2029}\u{202e}\u{2060}\u{2066}\u{206f}\u{3164}\
                         \u{fe00}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{fffb}\u{13430}\u{1bca0}\u{1d173}\
                         \u{e0001}\u{e0041}\u{e007f}\u{e0100}\u{e0fff}";
        for c in invisible.chars() {
            assert!(is_invisible(c), "{c:?}");
        }
        let visible = " a~\u{a0}¬®\u{300}\u{2003}\u{2010}\u{2027}\u{202f}木한\u{fdff}\u{fe10}\
                       \u{fffc}\u{fffd}😀\u{e000}\u{e1000}\u{10ffff}";
        for c in visible.chars() {
            assert!(!is_invisible(c), "{c:?}");
        }
    }

    #[test]
    fn invisible_characters_are_escaped() {
        for (text, escaped) in [
            ("plain, 木, 😀", "plain, 木, 😀"),
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("two\nlines", "two\\nlines"),
            ("bell\x07 nul\0", "bell\\u{7} nul\\u{0}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
            ("a\u{200b}b\u{ad}c", "a\\u{200b}b\\u{ad}c"),
            ("a\u{e0041}\u{e007f}", "a\\u{e0041}\\u{e007f}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            // One selector after a symbol is an emoji; more could hide a message.
            ("❤\u{fe0f}!", "❤\u{fe0f}!"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}\\u{fe0f}"),
            ("a\u{fe0f}", "a\\u{fe0f}"),
            ("木\u{fe0f}", "木\\u{fe0f}"),
            ("\u{fe0f}", "\\u{fe0f}"),
            ("❤\u{fe01}", "❤\\u{fe01}"),
            ("©\u{fe0e}😀\u{fe0f}", "©\u{fe0e}😀\u{fe0f}"),
            // The character before it is blank.
            ("\u{a0}\u{fe0f}", "\u{a0}\\u{fe0f}"),
            ("\u{3000}\u{fe0e}", "\u{3000}\\u{fe0e}"),
            ("\u{2800}\u{fe0e}", "\u{2800}\\u{fe0e}"),
            ("\u{2003}\u{fe0f}", "\u{2003}\\u{fe0f}"),
            ("\u{300}\u{fe0f}", "\u{300}\\u{fe0f}"),
        ] {
            assert_eq!(spell_out(text, |_| false), escaped, "{text:?}");
        }
        assert_eq!(spell_out("a\n\tb\x1b", |c| c == '\n'), "a\n\\tb\\u{1b}");
    }
}
