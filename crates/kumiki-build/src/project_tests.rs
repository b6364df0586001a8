use std::fs;

use super::*;
use crate::toolchain::Toolchain;

const HEAD: &str = "name = 'a'\nlanguage = 'LANGUAGE'\nwit = 'wit'\nworld = 'w'\n";

fn head(language: &str) -> String {
    HEAD.replace("LANGUAGE", language)
}

fn read(text: &str) -> Result<Project, Error> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("wit")).unwrap();
    fs::write(folder.path().join("kumiki.toml"), text).unwrap();
    Project::read(folder.path())
}

/// The error message without the folder, such as `:1: message`.
fn error(text: &str) -> String {
    let error = read(text).unwrap_err().to_string();
    error.split_once("kumiki.toml").unwrap().1.to_owned()
}

#[test]
fn minimal_manifest_uses_defaults() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("wit")).unwrap();
    let project = Project::parse(folder.path(), &head("rust")).ok().unwrap();
    assert_eq!(
        project,
        Project {
            name: "a".into(),
            language: Language::Rust,
            folder: folder.path().into(),
            wit: folder.path().join("wit"),
            world: "w".into(),
            wasi: Wasi::Preview2,
            engine: JavaScriptEngine::QuickJs,
            entry: PathBuf::new(),
            requests: String::new(),
        }
    );
}

#[test]
fn language_and_engine_select_the_toolchain() {
    let cases = [
        ("rust", "", Toolchain::Rust),
        ("c", "", Toolchain::C),
        ("javascript", "", Toolchain::JavaScript),
        (
            "javascript",
            "[build]\nengine = 'quickjs'",
            Toolchain::JavaScript,
        ),
        (
            "javascript",
            "[build]\nengine = 'starlingmonkey'",
            Toolchain::StarlingMonkey,
        ),
        ("python", "", Toolchain::Python),
        ("go", "", Toolchain::Go),
    ];
    for (language, build, toolchain) in cases {
        let project = read(&(head(language) + build)).unwrap();
        assert_eq!(project.toolchain(), toolchain, "{language} {build}");
    }
}

#[test]
fn wasi_option_is_parsed() {
    let cases = [
        ("rust", "false", Wasi::None),
        ("rust", "true", Wasi::Preview2),
        ("rust", "'preview1'", Wasi::Preview1),
        ("javascript", "true", Wasi::Preview2),
        ("python", "true", Wasi::Preview2),
    ];
    for (language, value, wasi) in cases {
        let text = format!("{}[build]\nwasi = {value}", head(language));
        assert_eq!(read(&text).unwrap().wasi, wasi, "{language} {value}");
    }
}

#[test]
fn only_rust_imports_wasi_by_default() {
    for (language, wasi) in [
        ("rust", Wasi::Preview2),
        ("c", Wasi::None),
        ("javascript", Wasi::None),
        ("python", Wasi::None),
        ("go", Wasi::None),
    ] {
        assert_eq!(read(&head(language)).unwrap().wasi, wasi, "{language}");
    }
}

#[test]
fn entry_defaults_by_language() {
    let cases = [
        ("javascript", "", "plugin.js"),
        ("python", "", "plugin.py"),
        ("python", "[build]\nentry = 'app.py'", "app.py"),
    ];
    for (language, build, entry) in cases {
        let project = read(&(head(language) + build)).unwrap();
        assert_eq!(project.entry, Path::new(entry), "{language}");
    }
}

#[test]
fn errors_name_the_line_and_what_is_expected() {
    let rust = head("rust");
    let cases = [
        (
            head("cobol"),
            ":2: unknown variant `cobol`, expected one of `rust`, `c`, `javascript`, `python`, `go`",
        ),
        (
            rust.replace("world = 'w'\n", ""),
            ":1: missing field `world`",
        ),
        (
            rust.replace("world", "word"),
            ":4: unknown field `word`, expected one of `name`, `language`, `wit`, `world`, `build`, `requests`",
        ),
        (
            rust.replace("'wit'", "'no/wit'"),
            ":3: wit `no/wit` does not exist",
        ),
        (
            rust.replace("'w'", "''"),
            ":4: world is empty; expected a name such as `text-plugin`",
        ),
        (
            rust.replace("'a'", "'A b'"),
            ":1: name `A b`: only lower-case letters, digits and hyphens are allowed",
        ),
        (
            rust.replace("'a'", "''"),
            ":1: name ``: only lower-case letters, digits and hyphens are allowed",
        ),
        (
            rust.replace("'a'", "'../a'"),
            ":1: name `../a`: only lower-case letters, digits and hyphens are allowed",
        ),
        (
            rust.replace("'a'", "7"),
            ":1: invalid type: integer `7`, expected a string",
        ),
        (
            rust.clone() + "[build]\nwasi = 'p3'",
            ":6: wasi `p3`: expected `true`, `false` or, for rust, `\"preview1\"`",
        ),
        (
            rust.clone() + "[build]\nwasi = 1",
            ":6: wasi `1`: expected `true`, `false` or, for rust, `\"preview1\"`",
        ),
        (
            head("python") + "[build]\nwasi = 'preview1'",
            ":6: wasi `preview1`: expected `true`, `false` or, for rust, `\"preview1\"`",
        ),
        (
            head("c") + "[build]\nwasi = true",
            ":6: `wasi` does not apply to language `c`, only to rust, javascript, python, go",
        ),
        (
            rust.clone() + "[build]\nengine = 'quickjs'",
            ":6: `engine` does not apply to language `rust`, only to javascript",
        ),
        (
            rust.clone() + "[build]\n\nentry = 'a.py'",
            ":7: `entry` does not apply to language `rust`, only to javascript, python",
        ),
        (
            head("javascript") + "[build]\nengine = 'v8'",
            ":6: unknown variant `v8`, expected `quickjs` or `starlingmonkey`",
        ),
        (
            rust.clone() + "[build]\nflags = 1",
            ":6: unknown field `flags`, expected one of `wasi`, `engine`, `entry`",
        ),
        (rust.clone() + "name = 'b'", ":5: duplicate key"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&text), expected, "{text}");
    }
}

#[test]
fn syntax_errors_have_a_line() {
    let error = error("name = 'a'\nlanguage =");
    assert!(error.starts_with(":2: "), "{error}");
}

#[test]
fn missing_manifest_is_named_in_the_error() {
    let error = Project::read(Path::new("no/such")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read no/such/kumiki.toml");
}

#[test]
fn requests_go_into_the_component() {
    let text = "[requests.net]\n'a.example:443' = 'asks \"it\"'\n\
                [requests.dirs]\n'/b:ro' = 'b'\n'/a:rw' = 'a'\n";
    let project = read(&format!("{}{text}", head("c"))).unwrap();
    let written = "[dirs]\n\"/a:rw\" = \"a\"\n\"/b:ro\" = \"b\"\n\n\
                   [net]\n\"a.example:443\" = 'asks \"it\"'\n";
    assert_eq!(project.requests, written);

    for (text, expected) in [
        (
            "[requests.env]\nA = 'a'\nB = ' '",
            ":7: request `B` has no reason",
        ),
        (
            "[requests.files]\nA = 'a'",
            ":5: unknown field `files`, expected one of `dirs`, `env`, `net`",
        ),
        (
            "[requests]\nenv = ['A']",
            ":6: invalid type: sequence, expected a map",
        ),
    ] {
        assert_eq!(error(&format!("{}{text}", head("c"))), expected);
    }
}

#[test]
fn text_without_quotes_is_recognised() {
    let hint_of = |manifest: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("kumiki.toml"), manifest).unwrap();
        Project::read(folder.path()).unwrap_err().hint().unwrap()
    };
    for name in ["tidy-c", "tidy", "true-north"] {
        let hint = hint_of(&format!("# a plugin\nname = {name} # its name\n"));
        assert_eq!(hint, format!("write text in quotes: `name = \"{name}\"`"));
    }
    for name in ["", "'a", "1", "true"] {
        let hint = hint_of(&format!("name = {name}\n"));
        assert!(hint.starts_with("use the keys"), "{name}: {hint}");
    }
}
