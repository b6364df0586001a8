//! Finds the imports of a JavaScript or TypeScript module. Only tokens are
//! read: comments and string literals are skipped, and the rest need not parse.

/// An import, including `export … from` and `import(…)`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import<'a> {
    /// The module specifier.
    pub(super) from: &'a str,
    /// The line of the specifier, counted from one.
    pub(super) line: usize,
    /// The imported names in braces, as the other module calls them, with their
    /// lines.
    pub(super) names: Vec<(usize, &'a str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Mark(char),
}

/// A token with its line.
type LineToken<'a> = (usize, Token<'a>);

/// Returns all imports of a module.
pub(super) fn imports_of(source: &str) -> Vec<Import<'_>> {
    let tokens = Lexer::new(source).tokens();
    let mut imports = Vec::new();
    for (place, (_, token)) in tokens.iter().enumerate() {
        let is_property = place > 0 && tokens[place - 1].1 == Token::Mark('.');
        if !is_property && matches!(token, Token::Word("import" | "export")) {
            imports.extend(import_at(&tokens[place + 1..], *token));
        }
    }
    imports
}

/// The import that follows the keyword `import` or `export`, if there is one.
fn import_at<'a>(tokens: &[LineToken<'a>], keyword: Token<'_>) -> Option<Import<'a>> {
    let rest = match (keyword, tokens) {
        (Token::Word("import"), [(_, Token::Mark('(')), rest @ ..]) => rest,
        _ => tokens,
    };
    let clause_ends = |(_, token): &LineToken<'_>| match token {
        Token::Text(_) => true,
        Token::Mark(mark) => !matches!(mark, '{' | '}' | ',' | '*'),
        Token::Word(_) => false,
    };
    let end = rest.iter().position(clause_ends)?;
    let (line, Token::Text(from)) = rest[end] else {
        return None;
    };
    let clause = &rest[..end];
    let is_from = matches!(clause.last(), Some((_, Token::Word("from"))));
    if !clause.is_empty() && !is_from {
        return None;
    }
    let names = names(clause);
    Some(Import { from, line, names })
}

/// The names in the braces: the first word of each item, after an optional
/// `type`.
fn names<'a>(clause: &[LineToken<'a>]) -> Vec<(usize, &'a str)> {
    let braces = clause
        .iter()
        .skip_while(|(_, token)| *token != Token::Mark('{'))
        .skip(1)
        .take_while(|(_, token)| *token != Token::Mark('}'));
    let braces: Vec<_> = braces.copied().collect();
    let items = braces.split(|(_, token)| *token == Token::Mark(','));
    let names = items.filter_map(|item| match item {
        [(_, Token::Word("type")), (line, Token::Word(name)), ..] if *name != "as" => {
            Some((*line, *name))
        }
        [(line, Token::Word(name)), ..] => Some((*line, *name)),
        _ => None,
    });
    names.collect()
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<LineToken<'a>>,
    /// The number of open braces in each open template literal.
    templates: Vec<usize>,
}

impl<'a> Lexer<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            rest: source,
            line: 1,
            tokens: Vec::new(),
            templates: Vec::new(),
        }
    }

    fn tokens(mut self) -> Vec<LineToken<'a>> {
        while let Some(first) = self.rest.chars().next() {
            match first {
                _ if self.rest.starts_with("//") => {
                    self.take_until(|rest| rest.starts_with('\n'));
                }
                _ if self.rest.starts_with("/*") => {
                    self.take(2);
                    self.take_until(|rest| rest.starts_with("*/"));
                    self.take(2);
                }
                '"' | '\'' => self.text(first),
                '`' => {
                    self.take(1);
                    self.template();
                }
                '/' if self.may_begin_value() => self.regular_expression(),
                c if is_word(c) => {
                    let line = self.line;
                    let word = self.take_until(|rest| !rest.starts_with(is_word));
                    self.tokens.push((line, Token::Word(word)));
                }
                c => self.mark(c),
            }
        }
        self.tokens
    }

    fn mark(&mut self, mark: char) {
        self.take(mark.len_utf8());
        if mark.is_whitespace() {
            return;
        }
        match (mark, self.templates.last_mut()) {
            ('{', Some(braces)) => *braces += 1,
            ('}', Some(0)) => {
                self.templates.pop();
                return self.template();
            }
            ('}', Some(braces)) => *braces -= 1,
            _ => {}
        }
        self.tokens.push((self.line, Token::Mark(mark)));
    }

    /// Reads a quoted string, which ends at the end of its line at the latest.
    fn text(&mut self, quote: char) {
        self.take(1);
        let line = self.line;
        let text = self.take_past_escapes(|rest| rest.starts_with([quote, '\n']));
        self.tokens.push((line, Token::Text(text)));
        self.take(1);
    }

    /// Reads the rest of a template literal, up to its end or to an expression
    /// in it.
    fn template(&mut self) {
        self.take_past_escapes(|rest| rest.starts_with('`') || rest.starts_with("${"));
        if self.rest.starts_with('$') {
            self.take(2);
            self.templates.push(0);
        } else {
            self.take(1);
            // A division may follow the value.
            self.tokens.push((self.line, Token::Mark(')')));
        }
    }

    fn regular_expression(&mut self) {
        self.take(1);
        let mut in_class = false;
        self.take_past_escapes(|rest| {
            match rest.chars().next() {
                Some('[') => in_class = true,
                Some(']') => in_class = false,
                _ => {}
            }
            rest.starts_with('\n') || (!in_class && rest.starts_with('/'))
        });
        self.take(1);
        self.tokens.push((self.line, Token::Mark(')')));
    }

    /// Whether a slash here begins a regular expression, because no value
    /// precedes it that it could divide.
    fn may_begin_value(&self) -> bool {
        match self.tokens.last() {
            None => true,
            Some((_, Token::Mark(mark))) => !matches!(mark, ')' | ']' | '}'),
            Some((_, Token::Word(word))) => {
                matches!(
                    *word,
                    "return" | "typeof" | "case" | "in" | "of" | "throw" | "await"
                )
            }
            Some((_, Token::Text(_))) => false,
        }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_until(&mut self, mut ends: impl FnMut(&str) -> bool) -> &'a str {
        let mut places = self.rest.char_indices();
        let end = places.find(|(place, _)| ends(&self.rest[*place..]));
        self.take(end.map_or(self.rest.len(), |(place, _)| place))
    }

    /// Like `take_until`, but a character after a backslash does not end it.
    fn take_past_escapes(&mut self, mut ends: impl FnMut(&str) -> bool) -> &'a str {
        let mut is_escaped = false;
        self.take_until(|rest| {
            let was_escaped = is_escaped;
            is_escaped = !was_escaped && rest.starts_with('\\');
            !was_escaped && ends(rest)
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<String> {
        let imports = imports_of(source).into_iter();
        imports
            .map(|Import { from, line, names }| {
                let names = names.iter().map(|(line, name)| format!(" {line}:{name}"));
                format!("{line}:{from}{}", names.collect::<String>())
            })
            .collect()
    }

    #[test]
    fn all_import_forms_are_found() {
        for (source, expected) in [
            ("import 'a';", "1:a"),
            ("import a from \"a\"", "1:a"),
            ("import * as a from 'a'", "1:a"),
            ("import { b, c as d } from 'a'", "1:a 1:b 1:c"),
            ("import a, {\n  b,\n  type C,\n} from 'a'", "4:a 2:b 3:C"),
            ("import type { B } from 'a'", "1:a 1:B"),
            ("import { type, as as b } from 'a'", "1:a 1:type 1:as"),
            ("export * from 'a'", "1:a"),
            ("export * as b from 'a'", "1:a"),
            ("export { b } from 'a'", "1:a 1:b"),
            ("const a = await import('a');", "1:a"),
            ("/* é\n */ import /* b */ 'a' // c", "2:a"),
            ("let r = /['\"`/]/; import 'a'", "1:a"),
            ("let r = x / 2; import 'a'; y / 3", "1:a"),
            ("let t = `${ { a: `}` } }'`; import 'a'", "1:a"),
            ("let s = 'it\\'s'; import 'a'", "1:a"),
        ] {
            assert_eq!(found(source), [expected], "{source}");
        }
    }

    #[test]
    fn other_code_is_not_an_import() {
        for source in [
            "",
            "// import 'a'",
            "/* import 'a' */",
            "\"import 'a'\"",
            "`\n import 'a'`",
            "import.meta.url + 'a'",
            "a.import('a')",
            "export const a = 'a';",
            "export default 'a'",
            "export { a }; 'a'",
            "import(a, 'b')",
            "/import 'a'/",
            "import '",
        ] {
            let found = found(source);
            assert!(found.is_empty() || found == ["1:"], "{source}: {found:?}");
        }
    }
}
