//! Rows: files that need much time or memory to read, check or compile.

use kumiki_text::TextHost;
use test_components::{TextPlugin, parse};

use crate::guests::binary::{doubling, leb128, with_section};
use crate::suite::Outcome::{Answer, Limit, Malformed, Other, TooLarge, WrongType};
use crate::suite::{Case, Seen, to_text};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = large();
    cases.extend(deep());
    cases.extend(typed());
    cases.extend(costly());
    cases
}

/// Small files that are expensive to validate, to compile or to instantiate.
fn costly() -> Vec<Case> {
    const BRANCHES: &str = "br_table 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 (i32.const 0)";
    let one = |text: String| move || items(1, |_| text.clone());
    vec![
        Case::bytes(
            "blocks of 1,000 results, nested 2,000 deep",
            TooLarge,
            "parameters and results of one function",
            one(format!(
                "(type $wide (func (result{}))) (func {} unreachable {} unreachable)",
                " i32".repeat(1_000),
                "block (type $wide) ".repeat(2_000),
                "end ".repeat(2_000),
            )),
        ),
        Case::bytes(
            "2,000 calls of a function of 1,000 parameters",
            TooLarge,
            "parameters and results of one function",
            one(format!(
                "(func $wide (param{})) (func {})",
                " i32".repeat(1_000),
                "unreachable call $wide ".repeat(2_000),
            )),
        ),
        Case::bytes(
            "16 results for each of 100,000 targets",
            TooLarge,
            "values passed by the calls, blocks and branches of one function",
            one(format!(
                "(func (result{}) {} unreachable)",
                " i32".repeat(16),
                format!("({BRANCHES})")
                    .replace("(br", "unreachable (br")
                    .repeat(6_000),
            )),
        ),
        Case::bytes("300,000 elements", TooLarge, "elements", || {
            items(1, |_| {
                let elements = " (ref.null func)".repeat(300_000);
                format!("(elem funcref{elements})")
            })
        }),
        Case::bytes(
            "a constant expression of 100,000 instructions",
            TooLarge,
            "instructions in constant expressions",
            || {
                let sum = " i32.const 1 i32.add".repeat(50_000);
                items(1, |_| format!("(global i32 i32.const 0{sum})"))
            },
        ),
        Case::bytes("30,000 globals", TooLarge, "globals", || {
            items(30_000, |_| "(global i32 i32.const 0)".to_owned())
        }),
        Case::bytes(
            "900 instances of 10,000 globals",
            TooLarge,
            "bytes of globals, functions and tables, counted for each core instance",
            || {
                let globals = "(global i32 i32.const 0)".repeat(10_000);
                let instances = "(core instance (instantiate $m))".repeat(900);
                parse(&format!(
                    "(component (core module $m {globals}) {instances})"
                ))
            },
        ),
    ]
}

fn large() -> Vec<Case> {
    vec![
        Case::bytes("custom section of 100 MB", Answer, "", || {
            let mut custom = vec![4];
            custom.extend(b"bulk");
            custom.resize(100_000_000, 0);
            with_section(plugin(), 0, &custom)
        })
        .within(512),
        Case::bytes("90,000 functions", Answer, "", || {
            items(90_000, |_| "(func)".to_owned())
        })
        .within(1024)
        .timeout(240),
        Case::bytes("110,000 functions", TooLarge, "functions", || {
            items(110_000, |_| "(func)".to_owned())
        }),
        Case::bytes("40,000 types", Answer, "", || types(40_000))
            .within(512)
            .timeout(240),
        Case::bytes("100,000 types", TooLarge, "types", || types(100_000)),
        Case::bytes("200 functions of 49,000 locals", Answer, "", || locals(200))
            .within(512)
            .timeout(240),
        Case::bytes(
            "250 functions of 49,000 locals",
            TooLarge,
            "local variables",
            || locals(250),
        ),
        Case::bytes("a function of 0.9 MB", Answer, "", || {
            long_function(100_000)
        })
        .within(1024)
        .timeout(240),
        Case::bytes("a function of 4.5 MB", TooLarge, "one function", || {
            long_function(500_000)
        }),
        Case::bytes(
            "a branch of a million targets",
            TooLarge,
            "targets of one br_table",
            || {
                let targets = " 0".repeat(1_000_000);
                items(1, |_| {
                    format!("(func (param i32) (block (br_table{targets} (local.get 0))))")
                })
            },
        ),
        Case::new(
            "file of 10 GiB",
            Limit,
            "256 MiB for a plugin's file",
            || {
                let file = tempfile::NamedTempFile::new().map_err(to_text)?;
                let length = file.as_file().set_len(10 << 30);
                length.map_err(to_text)?;
                load(file.path())
            },
        ),
        #[cfg(unix)]
        Case::new("device as a plugin", Other, "cannot read plugin", || {
            load(std::path::Path::new("/dev/zero"))
        }),
        #[cfg(unix)]
        Case::new("pipe as a plugin", Other, "cannot read plugin", || {
            let folder = tempfile::tempdir().map_err(to_text)?;
            let path = folder.path().join("plugin.wasm");
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            made.map_err(to_text)?;
            load(&path)
        }),
        #[cfg(unix)]
        Case::in_scene("kumiki: a pipe instead of a plugin", pipe),
    ]
}

/// A pipe without a writer is refused, and opening it does not block.
#[cfg(unix)]
fn pipe(scene: &crate::program::Scene) -> Result<(), String> {
    crate::program::make_pipe(&scene.path("work/p.wasm"))?;
    scene.file("work/input.txt", "a\n")?;
    for arguments in [
        "inspect p.wasm",
        "check p.wasm",
        "doctor p.wasm",
        "run --plugin p.wasm input.txt",
    ] {
        let mut process =
            crate::program::start(&mut scene.command(arguments), std::process::Stdio::null())?;
        let start = std::time::Instant::now();
        process
            .wait_until("the end", || start.elapsed().as_secs() > 5)
            .err();
        let output = process.wait()?;
        if !matches!(output.code, Some(1 | 2)) || !output.stderr.text.contains("not a regular file")
        {
            return Err(format!("{arguments}: {output:?}"));
        }
    }
    Ok(())
}

/// Loads a file.
fn load(path: &std::path::Path) -> Result<Seen, String> {
    let host = TextHost::new().map_err(to_text)?;
    Ok(Seen::of_load(host.load(path)))
}

/// A plugin with this many different function types.
fn types(count: u32) -> Vec<u8> {
    items(count, |number| {
        let parameters = (0..17).map(|bit| match number >> bit & 1 {
            0 => " i32",
            _ => " i64",
        });
        format!("(type (func (param{})))", parameters.collect::<String>())
    })
}

/// A plugin with functions of 49,000 local variables, which need few bytes.
fn locals(functions: u32) -> Vec<u8> {
    let mut locals = String::from("(local");
    locals += &" i32".repeat(49_000);
    items(functions, |_| format!("(func {locals}))"))
}

/// A plugin with one function of this many steps of 9 bytes.
fn long_function(steps: usize) -> Vec<u8> {
    let step = "local.get 0 i32.const 1 i32.add local.set 0 ";
    items(1, |_| format!("(func (param i32) {})", step.repeat(steps)))
}

fn deep() -> Vec<Case> {
    vec![
        Case::bytes(
            "a thousand nested components",
            TooLarge,
            "levels of nested components",
            || with_section(plugin(), 4, &nested(1_000)),
        ),
        Case::bytes(
            "100,000 nested components",
            TooLarge,
            "levels of nested components",
            || nested(100_000),
        ),
        Case::bytes(
            "types 100,000 deep",
            Malformed,
            "nesting is too deep",
            || {
                let mut text = "(component (type $t0 (list u8))".to_owned();
                for depth in 1..100_000 {
                    text += &format!("(type $t{depth} (list $t{}))", depth - 1);
                }
                parse(&(text + ")"))
            },
        ),
    ]
}

fn typed() -> Vec<Case> {
    vec![
        Case::bytes("a type of 2^40 parts", Malformed, "type", || {
            parse(&format!("(component {})", doubling(40)))
        }),
        Case::bytes("a type of 262,144 parts", WrongType, "log", || {
            parse(&format!(
                "(component {} (import \"myapp:text-processor/host-api\"
                    (instance (export \"log\" (func (param \"x\" $t17))))))",
                doubling(17)
            ))
        })
        .within(512),
    ]
}

fn plugin() -> Vec<u8> {
    TextPlugin::new("hostile").build()
}

/// A plugin with this many additional items.
fn items(count: u32, item: impl Fn(u32) -> String) -> Vec<u8> {
    let text = (0..count).map(item).collect::<String>();
    TextPlugin::new("hostile").items(&text).build()
}

/// Empty components, each nested in the previous one.
fn nested(depth: usize) -> Vec<u8> {
    const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
    let (mut lengths, mut length) = (Vec::new(), HEADER.len());
    for _ in 1..depth {
        lengths.push(length);
        length += HEADER.len() + 1 + leb128(length).len();
    }
    let mut bytes = HEADER.to_vec();
    for length in lengths.into_iter().rev() {
        bytes.push(4);
        bytes.extend(leb128(length));
        bytes.extend(HEADER);
    }
    bytes
}
