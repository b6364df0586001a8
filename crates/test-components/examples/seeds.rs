//! Writes the seed corpus of the fuzz targets, one folder for each:
//! `cargo run -p test-components --example seeds fuzz/corpus`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use test_components::{TEXT_PROCESSOR, TextPlugin, core_module, parse, wit_package};

/// A grants file that uses every feature.
const GRANTS: &str = r#"
[all]
env = ["LANG", "MODE=fast"]
clocks = "coarse"
[plugin."text-upper"]
dirs = ["./data::/data:ro", "/srv:rw"]
args = ["--strict", ""]
net = ["api.example.com:443", "10.1.0.0/16:5432", "[::1]:8000-8999", "public:*"]
random = "seeded:42"
[plugin.other]
"#;

/// Grants in every form that the command line accepts.
const ONE_BY_ONE: [&str; 10] = [
    "data::/data:rw",
    "C:\\data",
    "a::b:wr",
    "MODE=fast",
    "api.example.com.:443",
    "[fd00::/8]:*",
    "[::ffff:1.2.3.4]:80",
    "link-local:80-90",
    "frozen",
    "seeded:18446744073709551615",
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("name a folder: `--example seeds FOLDER`")?;
    let grants = ONE_BY_ONE.into_iter().chain([GRANTS]);
    let grants = grants.map(|text| text.as_bytes().to_vec());
    write_all(&folder.join("grants"), grants)?;
    let files = files();
    write_all(&folder.join("load"), files.clone())?;
    write_all(&folder.join("inspect"), files)
}

fn write_all(
    folder: &Path,
    files: impl IntoIterator<Item = Vec<u8>>,
) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for (number, bytes) in files.into_iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), bytes)?;
    }
    Ok(())
}

/// WebAssembly of every kind, and other files.
fn files() -> Vec<Vec<u8>> {
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
    let rich = r#"(component
        (import "host" (func $host (param "x" (list string)) (result (option u32))))
        (core module $m
            (memory (export "memory") 1)
            (table (export "table") 1 funcref)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8))
            (func (export "run") (param i32 i32) (result i32) (local.get 0)))
        (core instance $i (instantiate $m))
        (core func $lowered (canon lower (func $host) (memory $i "memory")
            (realloc (func $i "realloc")) string-encoding=utf16))
        (type $handle (resource (rep i32)))
        (core func $drop (canon resource.drop $handle))
        (func (export "run") (param "s" string) (result (tuple u32 u32))
            (canon lift (core func $i "run") (memory $i "memory")
                (realloc (func $i "realloc")))))"#;
    vec![
        TextPlugin::new("echo").build(),
        wit_package(TEXT_PROCESSOR),
        core_module("(func (export \"process\"))"),
        parse(wasi),
        parse(asynchronous),
        parse(nested),
        parse(module),
        parse(rich),
        TEXT_PROCESSOR.into(),
    ]
}
