//! Files that are made to hurt whoever reads, checks or compiles them.

use test_components::{TextPlugin, parse};

use crate::case::Case;
use crate::outcome::Outcome::{Answer, Malformed, MissingExport, WrongType};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = large();
    cases.extend(deep());
    cases.extend(typed());
    cases
}

fn large() -> Vec<Case> {
    vec![
        Case::bytes("custom section of 100 MB", Answer, "", || {
            let mut component = TextPlugin::new("hostile").build();
            let mut custom = vec![4];
            custom.extend(b"bulk");
            custom.resize(100_000_000, 0);
            section(&mut component, 0, &custom);
            component
        })
        .within(512),
        Case::bytes("100,000 functions", Answer, "", || {
            items(100_000, |_| "(func)".to_owned())
        })
        .within(1024)
        .patience(240),
        Case::bytes("100,000 types", Answer, "", || {
            items(100_000, |number| {
                let parameters = (0..17).map(|bit| match number >> bit & 1 {
                    0 => " i32",
                    _ => " i64",
                });
                format!("(type (func (param{})))", parameters.collect::<String>())
            })
        })
        .within(512)
        .patience(240),
        Case::bytes("1,000 functions of 50,000 locals", Answer, "", || {
            let locals = " i32".repeat(49_000);
            items(20, |_| format!("(func (local{locals}))"))
        })
        .within(512)
        .patience(240),
        Case::bytes("a function of 4 MB", Answer, "", || {
            let step = "local.get 0 i32.const 1 i32.add local.set 0 ";
            items(1, |_| format!("(func (param i32) {})", step.repeat(500_000)))
        })
        .within(2048)
        .patience(240),
        Case::bytes("a branch of a million targets", Answer, "", || {
            let targets = " 0".repeat(1_000_000);
            items(1, |_| {
                format!("(func (param i32) (block (br_table{targets} (local.get 0))))")
            })
        })
        .within(1024)
        .patience(240),
    ]
}

fn deep() -> Vec<Case> {
    vec![
        Case::bytes("a thousand nested components", Answer, "", || {
            let mut component = TextPlugin::new("hostile").build();
            section(&mut component, 4, &nested(1_000));
            component
        }),
        Case::bytes("100,000 nested components, and no plugin", MissingExport, "", || {
            nested(100_000)
        }),
        Case::bytes("types a hundred thousand deep", Malformed, "", || {
            let mut text = "(component (type $t0 (list u8))".to_owned();
            for depth in 1..100_000 {
                text += &format!("(type $t{depth} (list $t{}))", depth - 1);
            }
            parse(&(text + ")"))
        }),
    ]
}

fn typed() -> Vec<Case> {
    vec![
        Case::bytes("a type of 2^40 parts", Malformed, "type", || {
            parse(&format!("(component {})", doubling(40)))
        }),
        Case::bytes("a type of half a million parts", WrongType, "", || {
            parse(&format!(
                "(component {} (import \"myapp:text-processor/host-api\"
                    (instance (export \"log\" (func (param \"x\" $t18))))))",
                doubling(18)
            ))
        })
        .within(512),
    ]
}

/// Tuple types, each of two of the one before it.
fn doubling(times: u32) -> String {
    let mut text = "(type $t0 (tuple u8 u8))".to_owned();
    for level in 1..=times {
        let before = level - 1;
        text += &format!("(type $t{level} (tuple $t{before} $t{before}))");
    }
    text
}

/// The well-behaved plugin with so many more items.
fn items(count: u32, item: impl Fn(u32) -> String) -> Vec<u8> {
    let text = (0..count).map(item).collect::<String>();
    TextPlugin::new("hostile").items(&text).build()
}

/// Empty components, each in the one before it.
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

fn section(component: &mut Vec<u8>, number: u8, contents: &[u8]) {
    component.push(number);
    component.extend(leb128(contents.len()));
    component.extend(contents);
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
