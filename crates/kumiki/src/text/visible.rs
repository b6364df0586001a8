//! Characters that must not reach a terminal as they are: it obeys them, shows
//! nothing for them, or shows the text around them in another order.
//!
//! A name with a zero-width space in it looks like another name; a text of tag
//! characters says something that nobody sees. All code that shows text from a
//! plugin or a file spells these characters out, and asks here which they are.

use std::borrow::Cow;

/// Whether a terminal obeys a character, or shows nothing for it, rather than
/// showing it.
///
/// These are the control characters, line and paragraph separators, characters
/// that change the direction of text, and all that Unicode calls *default
/// ignorable*: zero-width characters, the soft hyphen, fillers, variation
/// selectors, tags. Spaces of any width are visible.
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
            // Combining grapheme joiner, Arabic letter mark, fillers and
            // inherent vowels without a glyph.
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
            // Interlinear annotation, and what is reserved before it.
            | '\u{fff0}'..='\u{fffb}'
            // Format characters of hieroglyphs, shorthand and musical notation.
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            // Tags, more variation selectors, and what is reserved there.
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// `text` with its invisible characters spelled out (`\n`, `\u{200b}`), but for
/// those that `keep` accepts. A selector of emoji or text presentation directly
/// behind a symbol that may be an emoji stays as well: that is how an emoji is written.
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
    let mut spelled = String::with_capacity(text.len() + 8);
    let mut before = None;
    for c in text.chars() {
        if is_hidden(c) && !is_presentation(c, before) {
            spelled.extend(c.escape_default());
        } else {
            spelled.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(spelled)
}

/// Whether `c` says how the symbol before it is drawn.
fn is_presentation(c: char, before: Option<char>) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}') && before.is_some_and(is_symbol)
}

/// Whether a character is of a block that has emoji, all of which are seen.
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
    fn which_characters_are_invisible() {
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
    fn invisible_characters_are_spelled_out() {
        for (text, spelled) in [
            ("plain, 木, 😀", "plain, 木, 😀"),
            ("\x1b[31mred", "\\u{1b}[31mred"),
            ("two\nlines", "two\\nlines"),
            ("bell\x07 nul\0", "bell\\u{7} nul\\u{0}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
            ("a\u{200b}b\u{ad}c", "a\\u{200b}b\\u{ad}c"),
            ("a\u{e0041}\u{e007f}", "a\\u{e0041}\\u{e007f}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            // One selector behind a symbol is an emoji, more are a message.
            ("❤\u{fe0f}!", "❤\u{fe0f}!"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}\\u{fe0f}"),
            ("a\u{fe0f}", "a\\u{fe0f}"),
            ("木\u{fe0f}", "木\\u{fe0f}"),
            ("\u{fe0f}", "\\u{fe0f}"),
            ("❤\u{fe01}", "❤\\u{fe01}"),
            ("©\u{fe0e}😀\u{fe0f}", "©\u{fe0e}😀\u{fe0f}"),
            // Nothing is seen before it.
            ("\u{a0}\u{fe0f}", "\u{a0}\\u{fe0f}"),
            ("\u{3000}\u{fe0e}", "\u{3000}\\u{fe0e}"),
            ("\u{2800}\u{fe0e}", "\u{2800}\\u{fe0e}"),
            ("\u{2003}\u{fe0f}", "\u{2003}\\u{fe0f}"),
            ("\u{300}\u{fe0f}", "\u{300}\\u{fe0f}"),
        ] {
            assert_eq!(spell_out(text, |_| false), spelled, "{text:?}");
        }
        assert_eq!(spell_out("a\n\tb\x1b", |c| c == '\n'), "a\n\\tb\\u{1b}");
    }
}
