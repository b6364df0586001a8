//! Generated calls of every function of WASI 0.3: sequences of random functions with valid
//! and extreme arguments. Whatever a guest does ends its call, and not the host.

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use test_components::wasi::{Function, Kind};
use test_components::wasi_0_3::{Guest, functions};

use super::Granted;
use super::test_instances::{concurrent_pre, concurrent_store, run_prepared};
use crate::{FolderGrant, Grants};

/// The calls of `run`, each with up to [`COMMANDS`] calls of WASI.
const RUNS: u64 = 300;
const COMMANDS: u32 = 40;

/// Where the last handle of each resource is.
const HANDLES: usize = 2048;

/// Functions that choose arguments, from a generator that `run` seeds with its argument.
const CHOICES: &str = r#"
    (global $seed (mut i64) (i64.const 0))
    (func $random (param $below i32) (result i32)
        (global.set $seed (i64.add (i64.const 1442695040888963407)
            (i64.mul (global.get $seed) (i64.const 6364136223846793005))))
        (i32.rem_u (i32.wrap_i64 (i64.shr_u (global.get $seed) (i64.const 33)))
            (local.get $below)))
    (func $extreme (result i64)
        (i64.shr_u (i64.const -1) (i64.extend_i32_u (call $random (i32.const 64)))))
    (func $value (result i64)
        (if (result i64) (call $random (i32.const 50))
            (then (i64.extend_i32_u (call $random (i32.const 3))))
            (else (call $extreme))))
    (func $length (result i64)
        (if (result i64) (call $random (i32.const 50))
            (then (i64.extend_i32_u (call $random (i32.const 4))))
            (else (call $extreme))))
    (func $pointer (result i64)
        (if (result i64) (call $random (i32.const 50))
            (then (i64.extend_i32_u (i32.add (i32.const 300) (call $random (i32.const 8)))))
            (else (call $extreme))))
    (func $answer (result i64)
        (if (result i64) (call $random (i32.const 50))
            (then (i64.const 512)) (else (call $extreme))))
    (func $handle (param $at i32) (result i64)
        (if (result i64) (call $random (i32.const 50))
            (then (i64.load32_u (local.get $at))) (else (call $extreme))))
    (data (i32.const 300) "f..d/localhost/ab")"#;

fn arguments(function: &Function, at: &impl Fn(&str) -> usize) -> String {
    let mut text = String::new();
    for (kind, parameter) in function.kinds.iter().zip(&function.parameters) {
        let value = match kind {
            Kind::Borrowed(resource) | Kind::Owned(resource) => {
                format!("(call $handle (i32.const {}))", at(resource))
            }
            Kind::Pointer => "(call $pointer)".into(),
            Kind::Length => "(call $length)".into(),
            Kind::Answer => "(call $answer)".into(),
            Kind::Value => "(call $value)".into(),
        };
        let convert = match *parameter {
            "i32" => "i32.wrap_i64",
            "f32" => "f32.convert_i64_s",
            "f64" => "f64.convert_i64_s",
            _ => "",
        };
        let _ = write!(text, "{value} {convert} ");
    }
    text
}

/// Calls one function, and keeps a handle that it returns.
fn command(number: usize, function: &Function, at: &impl Fn(&str) -> usize) -> String {
    let mut text = format!("(func $command{number} ");
    for kind in &function.kinds {
        if let Kind::Borrowed(resource) | Kind::Owned(resource) = kind {
            let _ = write!(
                text,
                "(if (i32.eqz (i32.load (i32.const {}))) (then return)) ",
                at(resource)
            );
        }
    }
    let call = format!("{} (call $wasi{number})", arguments(function, at));
    match (&*function.results, &*function.gives) {
        ([_], [(0, resource)]) => {
            let _ = write!(text, "(i32.const {}) {call} i32.store ", at(resource));
        }
        (results, given) => {
            text += &call;
            text += &" drop".repeat(results.len());
            for (offset, resource) in given {
                let _ = write!(
                    text,
                    " (if (i32.eqz (i32.load8_u (i32.const 512))) (then (i32.store
                        (i32.const {}) (i32.load (i32.const {})))))",
                    at(resource),
                    512 + offset
                );
            }
        }
    }
    if function.name == "get-directories" {
        let _ = write!(
            text,
            " (if (i32.load (i32.const 516)) (then (i32.store (i32.const {})
                (i32.load (i32.load (i32.const 512))))))",
            at("descriptor")
        );
    }
    text + ")\n"
}

fn guest() -> Vec<u8> {
    let is_called = |function: &Function| {
        !function.name.starts_with("exit")
            && (cfg!(feature = "http") || !function.interface.starts_with("wasi:http/"))
    };
    let functions: Vec<_> = functions().into_iter().filter(is_called).collect();
    let kinds = functions.iter().flat_map(|function| &function.kinds);
    let mut resources: Vec<_> = kinds
        .filter_map(|kind| match kind {
            Kind::Borrowed(resource) | Kind::Owned(resource) => Some(resource.clone()),
            _ => None,
        })
        .collect();
    resources.sort();
    resources.dedup();
    let at = |resource: &str| {
        let at = resources.iter().position(|other| other == resource);
        HANDLES + 4 * at.unwrap_or(resources.len())
    };
    let (mut guest, mut items) = (Guest::new(), CHOICES.to_owned());
    for (number, function) in functions.iter().enumerate() {
        let label = format!("$wasi{number}");
        guest = guest.import(&function.interface, &function.name, &label);
        items += &command(number, function, &at);
    }
    let count = functions.len();
    let all = (0..count).fold(String::new(), |all, it| all + &format!(" $command{it}"));
    let _ = write!(items, "(type $command (func)) (table funcref (elem{all}))");
    guest.items(&items).run(&format!(
        "(local $left i32)
         (global.set $seed (local.get $argument))
         (local.set $left (i32.const {COMMANDS}))
         (loop $next
            (call_indirect (type $command) (call $random (i32.const {count})))
            (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
         (i64.const 0)"
    ))
}

#[test]
fn generated_calls_end_the_call_at_most() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("d")).unwrap();
    fs::write(folder.path().join("f"), "text").unwrap();
    let grants = Grants::default()
        .with_folder(FolderGrant::read_write(folder.path(), "/data"))
        .with_network("loopback:*".parse().unwrap())
        .with_network("localhost:*".parse().unwrap());
    let pre = concurrent_pre(&guest()).unwrap();
    let (mut answered, mut trapped) = (0, 0);
    for granted in [Arc::new(Granted::open(&grants).unwrap()), Arc::default()] {
        for seed in 0..RUNS / 2 {
            let mut store = concurrent_store(&granted);
            match run_prepared(&mut store, &pre, seed, Duration::from_millis(30)) {
                Some(Ok(_)) => answered += 1,
                Some(Err(_)) => trapped += 1,
                // It waits for something.
                None => {}
            }
        }
    }
    // A test in which all calls trap, or none, proves nothing.
    assert!(
        answered > RUNS / 20 && trapped > RUNS / 20,
        "{answered} {trapped}"
    );
}
