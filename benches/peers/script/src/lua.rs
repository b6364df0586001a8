//! Lua 5.4 in process, by mlua. Its `upper` only supports ASCII, which is sufficient
//! for the benchmark's text.

use std::hint::black_box;

use mlua::{Function, Lua, LuaString, Table};
use turns::{Answer, Row, Set, Work, input, repeat};

const UPPER: &str = r#"
return function(input)
    log("info", "Processed " .. utf8.len(input) .. " characters")
    return {
        output = string.upper(input),
        metadata = {
            { key = "original_length", value = tostring(#input) },
            { key = "transform", value = "uppercase" },
        },
    }
end
"#;
const ECHO: &str = "return function(input) return { output = input, metadata = {} } end";
const BARE: &str =
    "return function(input) return { output = string.upper(input), metadata = {} } end";

pub(crate) fn set_up(row: &Row) -> Result<Set, String> {
    let source = match row.work {
        Work::Upper => UPPER,
        Work::Echo => ECHO,
        Work::Bare => BARE,
        work => return Err(format!("no `{}` in Lua", work.name())),
    };
    let text = input(row.size);
    let set = match row.kind.as_str() {
        "call" => call(source, text),
        "fresh" if row.count == 1 => fresh(source, text),
        kind => return Err(format!("it has no `{kind}` of {}", row.count)),
    };
    set.map_err(|error| error.to_string())
}

fn load(lua: &Lua, source: &str) -> mlua::Result<Function> {
    let log = lua.create_function(|_, (_level, message): (LuaString, LuaString)| {
        black_box(message.as_bytes().len());
        Ok(())
    })?;
    lua.globals().set("log", log)?;
    lua.load(source).eval()
}

fn process(function: &Function, text: &str) -> mlua::Result<Answer> {
    let result: Table = function.call(text)?;
    let entries: Table = result.get("metadata")?;
    let entry = |entry: mlua::Result<Table>| {
        let entry = entry?;
        Ok((entry.get("key")?, entry.get("value")?))
    };
    let metadata: mlua::Result<_> = entries.sequence_values().map(entry).collect();
    Ok(Answer {
        output: result.get("output")?,
        metadata: metadata?,
    })
}

fn call(source: &'static str, text: String) -> mlua::Result<Set> {
    let lua = Lua::new();
    let function = load(&lua, source)?;
    let digest = process(&function, &text)?.digest();
    let turn = repeat(1, move || {
        let _kept = &lua;
        let answer = process(&function, black_box(&text));
        drop(black_box(answer.expect("an answer")));
    });
    Ok(Set::new(digest, turn))
}

/// Creates a state for a single call.
fn fresh(source: &'static str, text: String) -> mlua::Result<Set> {
    let ask = move || {
        let lua = Lua::new();
        process(&load(&lua, source)?, &text)
    };
    let digest = ask()?.digest();
    let turn = repeat(1, move || {
        drop(black_box(ask().expect("an answer")));
    });
    Ok(Set::new(digest, turn))
}
