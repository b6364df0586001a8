//! The rules, one a line: `drop SOURCE`, `below SEVERITY`, `mask WORD`.
//! Blank lines and lines that begin with `#` say nothing.

pub struct Rule {
    /// Where it stands, counted from one.
    pub line: usize,
    pub action: Action,
}

pub enum Action {
    Drop(String),
    Below(u8),
    Mask(String),
}

pub fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let mut rules = Vec::new();
    for (line, content) in (1..).zip(text.lines().map(str::trim)) {
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let action = parse_action(content).map_err(|error| format!("line {line}: {error}"))?;
        rules.push(Rule { line, action });
    }
    Ok(rules)
}

fn parse_action(rule: &str) -> Result<Action, String> {
    let (verb, rest) = rule.split_once(char::is_whitespace).unwrap_or((rule, ""));
    let value = rest.trim();
    match verb {
        "drop" | "below" | "mask" if value.is_empty() => Err(format!(
            "`{verb}` needs a value, such as `{}`",
            example(verb)
        )),
        "drop" => Ok(Action::Drop(value.to_owned())),
        "mask" => Ok(Action::Mask(value.to_owned())),
        "below" => match value.parse() {
            Ok(severity @ 0..=9) => Ok(Action::Below(severity)),
            _ => Err(format!("`{value}` is no severity, only `0` to `9` are")),
        },
        _ => Err(format!(
            "unknown rule `{verb}`, only `drop`, `below` and `mask` are accepted"
        )),
    }
}

fn example(verb: &str) -> &'static str {
    match verb {
        "drop" => "drop debug",
        "below" => "below 3",
        _ => "mask token=",
    }
}
