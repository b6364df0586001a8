//! Throwaway.
use std::fmt::Write as _;
use std::time::Instant;
use wasmparser as _;

use kumiki::wasmtime::{self, component::Component};

fn rss(key: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with(key)).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        / 1024
}

fn compile(name: &str, text: &str) {
    let bytes = test_components::parse(text);
    compile_bytes(name, &bytes);
}

fn compile_bytes(name: &str, bytes: &[u8]) {
    let checked = kumiki::inspect::Inspection::of(bytes).too_large;
    println!("{name}: {checked:?}");
    let config = kumiki::EngineConfig::default().with_slots(0).to_wasmtime();
    let engine = wasmtime::Engine::new(&config).unwrap();
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = rss("VmRSS");
    let start = Instant::now();
    let validated = wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(bytes)
        .map(|_| ());
    let validation = start.elapsed();
    let start = Instant::now();
    let result = Component::from_binary(&engine, bytes);
    let elapsed = start.elapsed();
    let size = result
        .as_ref()
        .ok()
        .map(|c| c.serialize().map(|b| b.len()).unwrap_or(0));
    println!(
        "{name}: {} KB, validate {validation:?} {:?}, compile {elapsed:?}, peak +{} MiB, artifact {:?} KB, {}",
        bytes.len() / 1000,
        validated.err().map(|e| e.to_string()),
        rss("VmHWM").saturating_sub(before),
        size.map(|s| s / 1000),
        result.err().map_or("ok".into(), |e| format!("{e:#}")
            .chars()
            .take(200)
            .collect::<String>()),
    );
}

fn lowers(n: usize, params: usize) -> String {
    let mut t = String::from("(component (import \"f\" (func $f");
    for i in 0..params {
        write!(t, " (param \"p{i}\" u32)").unwrap();
    }
    t += "))";
    t += "(core module $m (memory (export \"memory\") 1) (func (export \"r\") (param i32 i32 i32 i32) (result i32) unreachable)) (core instance $i (instantiate $m))";
    for _ in 0..n {
        t += "(core func (canon lower (func $f) (memory $i \"memory\") (realloc (func $i \"r\"))))";
    }
    t += ")";
    t
}

/// Lowers given to a module's instance, so that they are used.
fn lowers_used(n: usize, params: usize) -> String {
    let mut t = String::from("(component (import \"f\" (func $f");
    for i in 0..params {
        write!(t, " (param \"p{i}\" u32)").unwrap();
    }
    t += "))";
    t += "(core module $m (memory (export \"memory\") 1) (func (export \"r\") (param i32 i32 i32 i32) (result i32) unreachable)) (core instance $i (instantiate $m))";
    for k in 0..n {
        write!(t, "(core func $l{k} (canon lower (func $f) (memory $i \"memory\") (realloc (func $i \"r\"))))").unwrap();
    }
    t += "(core instance $imports ";
    for k in 0..n {
        write!(t, "(export \"x{k}\" (func $l{k}))").unwrap();
    }
    t += ") (core module $n ";
    for k in 0..n {
        write!(t, "(import \"a\" \"x{k}\" (func (param").unwrap();
        for _ in 0..params.min(16) {
            t += " i32";
        }
        t += ")))";
    }
    t += ") (core instance (instantiate $n (with \"a\" (instance $imports))))";
    t += ")";
    t
}

fn lifts(n: usize, params: usize) -> String {
    let mut t = String::from("(component (core module $m (func (export \"f\") (param");
    for _ in 0..params {
        t += " i32";
    }
    t += "))) (core instance $i (instantiate $m)) (type $t (func";
    for i in 0..params {
        write!(t, " (param \"p{i}\" u32)").unwrap();
    }
    t += "))";
    for k in 0..n {
        write!(t, "(func $g{k} (type $t) (canon lift (core func $i \"f\"))) (export \"e{k}\" (func $g{k}))").unwrap();
    }
    t += ")";
    t
}

const LIBC: &str = "(core module $m (memory (export \"memory\") 1) (func (export \"r\") (param i32 i32 i32 i32) (result i32) unreachable) (func (export \"f\") (param i32))) (core instance $i (instantiate $m))";

/// Adapters between two components: n functions of a record with `fields`.
fn adapters(n: usize, fields: usize, ty: &str, same: bool) -> String {
    let mut record = String::from("(record");
    for i in 0..fields {
        write!(record, " (field \"f{i}\" {ty})").unwrap();
    }
    record += ")";
    let mut t = String::from("(component (component $a ");
    t += LIBC;
    write!(t, "(type $r' {record}) (export $r \"r\" (type $r'))").unwrap();
    for k in 0..n {
        write!(t, "(func $g{k} (param \"p\" $r) (canon lift (core func $i \"f\") (memory $i \"memory\") (realloc (func $i \"r\")))) (export \"e{k}\" (func $g{k}))").unwrap();
    }
    write!(t, ") (component $b (import \"a\" (instance $a (type $r' {record}) (export \"r\" (type $r (eq $r')))").unwrap();
    for k in 0..n {
        write!(t, "(export \"e{k}\" (func (param \"p\" $r)))").unwrap();
    }
    t += "))";
    t += LIBC;
    let _ = same;
    for k in 0..n {
        write!(t, "(core func $l{k} (canon lower (func $a \"e{k}\") (memory $i \"memory\") (realloc (func $i \"r\"))))").unwrap();
    }
    t += "(core instance $imports ";
    for k in 0..n {
        write!(t, "(export \"x{k}\" (func $l{k}))").unwrap();
    }
    t += ") (core module $n ";
    for k in 0..n {
        write!(t, "(import \"a\" \"x{k}\" (func (param i32)))").unwrap();
    }
    t += ") (core instance (instantiate $n (with \"a\" (instance $imports))))";
    t += ") (instance $ia (instantiate $a)) (instance (instantiate $b (with \"a\" (instance $ia)))))";
    t
}

fn bomb(levels: usize, times: usize, with_core: bool) -> String {
    let mut t = String::from("(component ");
    if with_core {
        t += "(component $c0 (core module $m) (core instance (instantiate $m)))";
    } else {
        t += "(component $c0)";
    }
    for l in 1..=levels {
        // the inner one is reached by an outer alias
        write!(
            t,
            "(component $c{l} (alias outer 1 {} (component $x))",
            l - 1
        )
        .unwrap();
        for _ in 0..times {
            t += "(instance (instantiate $x))";
        }
        t += ")";
    }
    write!(t, "(instance (instantiate $c{levels})))").unwrap();
    t
}

fn records(n: usize, fields: usize) -> String {
    let mut t = String::from("(component ");
    for k in 0..n {
        t += "(type (record";
        for i in 0..fields {
            write!(t, " (field \"a{k}-f{i}\" u8)").unwrap();
        }
        t += "))";
    }
    t + ")"
}

fn imported_types(n: usize, fields: usize) -> String {
    let mut t = String::from("(component (import \"i\" (instance ");
    for k in 0..n {
        write!(t, "(type $t{k} (record").unwrap();
        for i in 0..fields {
            write!(t, " (field \"a{k}-f{i}\" u8)").unwrap();
        }
        write!(t, ")) (export \"x{k}\" (type (eq $t{k})))").unwrap();
    }
    t + ")))"
}

fn aliases(n: usize) -> String {
    let mut t = String::from(
        "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))",
    );
    for _ in 0..n {
        t += "(alias core export $i \"f\" (core func))";
    }
    t + ")"
}

fn bags(n: usize, items: usize) -> String {
    let mut t = String::from(
        "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m)) (alias core export $i \"f\" (core func $f))",
    );
    for _ in 0..n {
        t += "(core instance";
        for k in 0..items {
            write!(t, " (export \"e{k}\" (func $f))").unwrap();
        }
        t += ")";
    }
    t + ")"
}

fn resources(n: usize) -> String {
    let mut t = String::from("(component ");
    for k in 0..n {
        write!(t, "(type $r{k} (resource (rep i32))) (core func (canon resource.new $r{k})) (core func (canon resource.drop $r{k})) (core func (canon resource.rep $r{k}))").unwrap();
    }
    t + ")"
}

fn libc(n: usize) -> String {
    let mut t = String::from(
        "(core module $m (memory (export \"memory\") 1) (func (export \"r\") (param i32 i32 i32 i32) (result i32) unreachable)",
    );
    for k in 0..n {
        write!(t, "(func (export \"f{k}\") (param i32))").unwrap();
    }
    t + ") (core instance $i (instantiate $m))"
}

/// As adapters, each of a function of its own; `pairs` of components.
fn distinct(n: usize, fields: usize, ty: &str, pairs: usize) -> String {
    let mut record = String::from("(record");
    for i in 0..fields {
        write!(record, " (field \"f{i}\" {ty})").unwrap();
    }
    record += ")";
    let mut t = String::from("(component (component $a ");
    t += &libc(n);
    write!(t, "(type $r' {record}) (export $r \"r\" (type $r'))").unwrap();
    for k in 0..n {
        write!(t, "(func $g{k} (param \"p\" $r) (canon lift (core func $i \"f{k}\") (memory $i \"memory\") (realloc (func $i \"r\")))) (export \"e{k}\" (func $g{k}))").unwrap();
    }
    write!(t, ") (component $b (import \"a\" (instance $a (type $r' {record}) (export \"r\" (type $r (eq $r')))").unwrap();
    for k in 0..n {
        write!(t, "(export \"e{k}\" (func (param \"p\" $r)))").unwrap();
    }
    t += "))";
    t += LIBC;
    for k in 0..n {
        write!(t, "(core func $l{k} (canon lower (func $a \"e{k}\") (memory $i \"memory\") (realloc (func $i \"r\"))))").unwrap();
    }
    t += "(core instance $imports ";
    for k in 0..n {
        write!(t, "(export \"x{k}\" (func $l{k}))").unwrap();
    }
    t += ") (core module $n ";
    for k in 0..n {
        write!(t, "(import \"a\" \"x{k}\" (func (param i32)))").unwrap();
    }
    t += ") (core instance (instantiate $n (with \"a\" (instance $imports))))";
    t += ") ";
    for k in 0..pairs {
        write!(t, "(instance $ia{k} (instantiate $a)) (instance (instantiate $b (with \"a\" (instance $ia{k}))))").unwrap();
    }
    t + ")"
}

/// Distinct options: every adapter between memories of their own.
fn modules(n: usize) -> String {
    let mut t = String::from(
        "(component (core module $m (memory (export \"memory\") 1) (func (export \"f\")))",
    );
    for _ in 0..n {
        t += "(core instance (instantiate $m))";
    }
    t + ")"
}

#[test]
fn experiment() {
    let which = std::env::var("WHICH").unwrap_or_default();
    let n = |i: usize| which.split(' ').nth(i).unwrap().parse::<usize>().unwrap();
    let kind = which.split(' ').next().unwrap().to_owned();
    let text = match &*kind {
        "lowers" => lowers(n(1), n(2)),
        "lowers_used" => lowers_used(n(1), n(2)),
        "lifts" => lifts(n(1), n(2)),
        "adapters" => adapters(n(1), n(2), "u32", true),
        "strings" => adapters(n(1), n(2), "string", true),
        "lists" => adapters(n(1), n(2), "(list string)", true),
        "bomb" => bomb(n(1), n(2), false),
        "bombcore" => bomb(n(1), n(2), true),
        "records" => records(n(1), n(2)),
        "imported" => imported_types(n(1), n(2)),
        "aliases" => aliases(n(1)),
        "bags" => bags(n(1), n(2)),
        "resources" => resources(n(1)),
        "distinct" => distinct(n(1), n(2), "u32", n(3)),
        "dstrings" => distinct(n(1), n(2), "string", n(3)),
        "dlists" => distinct(
            n(1),
            n(2),
            "(list (record (field \"a\" string) (field \"b\" (list (tuple string string u64)))))"
                .replace(
                    "(record (field \"a\" string) (field \"b\" (list (tuple string string u64))))",
                    "(tuple string (list (tuple string string u64)))",
                )
                .as_str(),
            n(3),
        ),
        "modules" => modules(n(1)),
        "blocks" => format!(
            "(component (core module (func {} {})))",
            "block ".repeat(n(1)),
            "end ".repeat(n(1))
        ),
        "loops" => format!(
            "(component (core module (func {} {})))",
            "loop ".repeat(n(1)),
            "end ".repeat(n(1))
        ),
        "ifs" => format!(
            "(component (core module (func (param i32) {} {})))",
            "local.get 0 if ".repeat(n(1)),
            "end ".repeat(n(1))
        ),
        "deep" => format!(
            "(component (core module (func (param i32) (result i32) {} {})))",
            "local.get 0 ".repeat(n(1)),
            "i32.sub ".repeat(n(1) - 1)
        ),
        "file" => {
            return;
        }
        _ => return,
    };
    compile(&which, &text);
}
