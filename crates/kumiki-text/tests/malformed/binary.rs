//! Errors of the binary format that the text format cannot express.

use kumiki::inspect::Kind;

use super::Expected::{self, Malformed, Not, Proposal, TooLarge};

const MAGIC: &[u8] = b"\0asm";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The error, the bytes, and the expected outcome.
pub(super) fn cases() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let mut cases = headers();
    cases.extend(sections());
    cases.extend(contents());
    cases.extend(modules());
    cases
}

fn headers() -> Vec<(&'static str, Vec<u8>, Expected)> {
    vec![
        (
            "another magic",
            b"\0asn\x0d\0\x01\0".to_vec(),
            Not(Kind::Unknown),
        ),
        ("half a magic", MAGIC[..2].to_vec(), Not(Kind::Truncated)),
        ("no version", MAGIC.to_vec(), Not(Kind::Truncated)),
        (
            "half a version",
            COMPONENT[..6].to_vec(),
            Not(Kind::Truncated),
        ),
        (
            "another version",
            b"\0asm\x0e\0\x01\0".to_vec(),
            Not(Kind::UnknownVersion),
        ),
        (
            "the largest version",
            b"\0asm\xff\xff\xff\xff".to_vec(),
            Not(Kind::UnknownVersion),
        ),
        (
            "another layer",
            b"\0asm\x0d\0\x02\0".to_vec(),
            Not(Kind::UnknownVersion),
        ),
        (
            "a module's version in a component's layer",
            b"\0asm\x01\0\x01\0".to_vec(),
            Not(Kind::UnknownVersion),
        ),
        (
            "a component's version in a module's layer",
            b"\0asm\x0d\0\0\0".to_vec(),
            Not(Kind::UnknownVersion),
        ),
        (
            "magic twice",
            [MAGIC, COMPONENT].concat(),
            Not(Kind::UnknownVersion),
        ),
    ]
}

fn sections() -> Vec<(&'static str, Vec<u8>, Expected)> {
    vec![
        (
            "an unknown section",
            component(&[section(13, b"\0")]),
            Malformed("section id"),
        ),
        (
            "the largest section number",
            component(&[section(255, b"\0")]),
            Malformed("section id"),
        ),
        (
            "a section number without a size",
            component(&[vec![7]]),
            Not(Kind::Truncated),
        ),
        (
            "a section larger than the file",
            component(&[vec![7, 100, 1]]),
            Not(Kind::Truncated),
        ),
        (
            "a section of 4 GiB",
            component(&[vec![7, 0xff, 0xff, 0xff, 0xff, 0x0f]]),
            Not(Kind::Truncated),
        ),
        (
            "a size of six bytes",
            component(&[vec![7, 0x80, 0x80, 0x80, 0x80, 0x80, 0]]),
            Malformed("too long"),
        ),
        (
            "a size of more than 32 bits",
            component(&[vec![7, 0xff, 0xff, 0xff, 0xff, 0x7f]]),
            Malformed("too large"),
        ),
        (
            "an empty section",
            component(&[section(7, b"")]),
            Not(Kind::Truncated),
        ),
        (
            "bytes behind the last item",
            component(&[section(7, b"\0\0")]),
            Malformed("section size mismatch"),
        ),
        (
            "fewer items than counted",
            component(&[section(7, b"\x02\x7f")]),
            Malformed("end"),
        ),
        (
            "a billion types counted",
            component(&[section(7, b"\x80\x94\xeb\xdc\x03")]),
            Malformed(""),
        ),
        (
            "a billion imports counted",
            component(&[section(10, b"\x80\x94\xeb\xdc\x03")]),
            TooLarge("imports and exports"),
        ),
        (
            "a custom section without a name",
            component(&[section(0, b"")]),
            Not(Kind::Truncated),
        ),
        (
            "a custom name beyond its section",
            component(&[section(0, b"\x09name")]),
            Not(Kind::Truncated),
        ),
        (
            "a custom name that is no UTF-8",
            component(&[section(0, b"\x02\xff\xfe")]),
            Malformed("UTF-8"),
        ),
        (
            "a custom name that is half a character",
            component(&[section(0, b"\x02\xe6\x9c")]),
            Malformed("UTF-8"),
        ),
        (
            "a module section that holds a component",
            component(&[section(1, COMPONENT)]),
            Malformed(""),
        ),
        (
            "a component section that holds a module",
            component(&[section(4, MODULE)]),
            Malformed(""),
        ),
        (
            "a module section without a module",
            component(&[section(1, b"")]),
            Not(Kind::Truncated),
        ),
        (
            "a component section with half a header",
            component(&[section(4, &COMPONENT[..5])]),
            Not(Kind::Truncated),
        ),
        (
            "a section of an inner component that leaves it",
            component(&[section(4, &component(&[vec![7, 50, 0]]))]),
            Malformed(""),
        ),
    ]
}

fn contents() -> Vec<(&'static str, Vec<u8>, Expected)> {
    vec![
        (
            "an unknown kind of type",
            component(&[section(7, b"\x01\x00")]),
            Malformed("invalid leading byte"),
        ),
        (
            "an unknown primitive type",
            component(&[section(7, b"\x01\x60")]),
            Malformed(""),
        ),
        (
            "a record without fields",
            component(&[section(7, b"\x01\x72\x00")]),
            Malformed("at least one field"),
        ),
        (
            "a variant without cases",
            component(&[section(7, b"\x01\x71\x00")]),
            Malformed("at least one case"),
        ),
        (
            "flags without names",
            component(&[section(7, b"\x01\x6e\x00")]),
            Malformed("at least one"),
        ),
        (
            "an enumeration without cases",
            component(&[section(7, b"\x01\x6d\x00")]),
            Malformed("at least one"),
        ),
        (
            "a tuple of nothing",
            component(&[section(7, b"\x01\x6f\x00")]),
            Malformed("at least one"),
        ),
        (
            "a field's name that is no UTF-8",
            component(&[section(7, b"\x01\x72\x01\x01\xff\x7f")]),
            Malformed("UTF-8"),
        ),
        (
            "a function without its results",
            component(&[section(7, b"\x01\x40\x00")]),
            Malformed("end"),
        ),
        (
            "a resource represented by a string",
            component(&[section(7, b"\x01\x3f\x73\x00")]),
            Malformed(""),
        ),
        (
            "an instance type of an unknown declaration",
            component(&[section(7, b"\x01\x42\x01\x09")]),
            Malformed(""),
        ),
        (
            "an unknown canonical function",
            component(&[section(8, b"\x01\xee")]),
            Malformed(""),
        ),
        (
            "an unknown canonical option",
            component(&[section(8, b"\x01\x00\x00\x00\x01\x7e\x00")]),
            Malformed("canonical option"),
        ),
        (
            "an unknown kind of import",
            component(&[section(10, b"\x01\x00\x01a\x66\x00")]),
            Malformed(""),
        ),
        (
            "an unknown form of name",
            component(&[section(10, b"\x01\x77\x01a\x01\x00")]),
            Malformed(""),
        ),
        (
            "an unknown kind of alias",
            component(&[section(6, b"\x01\x01\x55")]),
            Malformed(""),
        ),
        (
            "an unknown kind of core instance",
            component(&[section(2, b"\x01\x33")]),
            Malformed(""),
        ),
        (
            "an export of a value that is not there",
            component(&[section(11, b"\x01\x00\x01a\x02\x00\x00")]),
            Proposal("cm-values"),
        ),
    ]
}

fn modules() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let types = section(1, b"\x01\x60\x00\x00");
    let functions = section(3, b"\x01\x00");
    let body = section(10, b"\x01\x02\x00\x0b");
    let memory = section(5, b"\x01\x00\x01");
    vec![
        (
            "core sections out of order",
            inner(&[memory.clone(), types.clone()]),
            Malformed("out of order"),
        ),
        (
            "a core section twice",
            inner(&[types.clone(), types.clone()]),
            Malformed("out of order"),
        ),
        (
            "an unknown core section",
            inner(&[section(99, b"")]),
            Malformed("section id"),
        ),
        (
            "functions without bodies",
            inner(&[types.clone(), functions.clone()]),
            Malformed("code section is absent"),
        ),
        (
            "bodies without functions",
            inner(&[types.clone(), body.clone()]),
            Malformed("function section is absent"),
        ),
        (
            "a body without its end",
            inner(&[
                types.clone(),
                functions.clone(),
                section(10, b"\x01\x02\x00\x01"),
            ]),
            Malformed(""),
        ),
        (
            "a body longer than its section",
            inner(&[
                types.clone(),
                functions.clone(),
                section(10, b"\x01\x7f\x00\x0b"),
            ]),
            Not(Kind::Truncated),
        ),
        (
            "an unknown instruction",
            inner(&[
                types.clone(),
                functions.clone(),
                section(10, b"\x01\x03\x00\xff\x0b"),
            ]),
            Malformed("illegal opcode"),
        ),
        (
            "a call of a function that is not there",
            inner(&[
                types.clone(),
                functions.clone(),
                section(10, b"\x01\x04\x00\x10\x09\x0b"),
            ]),
            Malformed("unknown function"),
        ),
        (
            "a value that is not on the stack",
            inner(&[
                types.clone(),
                functions.clone(),
                section(10, b"\x01\x03\x00\x1a\x0b"),
            ]),
            Malformed("type mismatch"),
        ),
        (
            "locals beyond 2^32",
            inner(&[
                types.clone(),
                functions.clone(),
                section(
                    10,
                    b"\x01\x0e\x02\xff\xff\xff\xff\x0f\x7f\xff\xff\xff\xff\x0f\x7f\x0b",
                ),
            ]),
            TooLarge("local variables"),
        ),
        (
            "data counted wrongly",
            inner(&[memory.clone(), section(12, b"\x02"), section(11, b"\x00")]),
            Malformed("data count"),
        ),
        (
            "data without a memory",
            inner(&[section(11, b"\x01\x00\x41\x00\x0b\x01a")]),
            Malformed("unknown memory"),
        ),
        (
            "a memory larger than addresses reach",
            inner(&[section(5, b"\x01\x00\x81\x80\x04")]),
            Malformed("memory size"),
        ),
        (
            "a memory of less than its least",
            inner(&[section(5, b"\x01\x01\x02\x01")]),
            Malformed("minimum"),
        ),
        (
            "an export twice in a core module",
            inner(&[
                types.clone(),
                functions.clone(),
                section(7, b"\x02\x01a\x00\x00\x01a\x00\x00"),
                body.clone(),
            ]),
            Malformed("duplicate export"),
        ),
        (
            "a start function with parameters",
            inner(&[
                section(1, b"\x01\x60\x01\x7f\x00"),
                functions,
                section(8, b"\x00"),
                body,
            ]),
            Malformed("start function"),
        ),
        (
            "an import's name that is no UTF-8",
            inner(&[types, section(2, b"\x01\x01\xff\x01a\x00\x00")]),
            Malformed("UTF-8"),
        ),
    ]
}

/// Builds a component with these sections.
fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [COMPONENT, &sections.concat()].concat()
}

/// Builds a component with a core module of these sections.
fn inner(sections: &[Vec<u8>]) -> Vec<u8> {
    component(&[section(1, &[MODULE, &sections.concat()].concat())])
}

/// Builds a section of less than 128 bytes.
fn section(number: u8, contents: &[u8]) -> Vec<u8> {
    assert!(contents.len() < 128, "its size is one byte");
    let mut bytes = vec![number, contents.len() as u8];
    bytes.extend(contents);
    bytes
}
