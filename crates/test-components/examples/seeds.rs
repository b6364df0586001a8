//! Writes tiny files of every kind into a folder, for the fuzz target `inspect`
//! to begin with: `cargo run -p test-components --example seeds FOLDER`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use test_components::{TEXT_PROCESSOR, TextPlugin, core_module, parse, wit_package};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("name a folder: `--example seeds FOLDER`")?;
    fs::create_dir_all(&folder)?;
    let wasi = r#"(component
        (import "wasi:io/error@0.2.0" (instance (export "error" (type (sub resource)))))
        (import "wasi:cli/stdin@0.3.0" (instance)))"#;
    let asynchronous = r#"(component
        (type $stream (stream u8)) (type $future (future string))
        (import "read" (func async (param "from" $stream) (result $future))))"#;
    let nested = r#"(component
        (component $inner
            (type $pair (record (field "a" string) (field "b" (list u8))))
            (export "pair" (type $pair)))
        (instance $i (instantiate $inner))
        (export "a:b/c@1.0.0" (instance $i)))"#;
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func))
        (memory 1) (data (i32.const 0) "attempt to add with overflow")
        (@custom "component-type:w" "types") (@custom ".debug_info" "debug")
        (@producers (language "Rust" "2024") (processed-by "rustc" "1.95")))"#;
    for (name, bytes) in [
        ("plugin", TextPlugin::new("echo").build()),
        ("package", wit_package(TEXT_PROCESSOR)),
        ("core", core_module("(func (export \"process\"))")),
        ("wasi", parse(wasi)),
        ("asynchronous", parse(asynchronous)),
        ("nested", parse(nested)),
        ("module", parse(module)),
        ("text", TEXT_PROCESSOR.into()),
    ] {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
