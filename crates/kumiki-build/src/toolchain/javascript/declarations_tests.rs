use std::fs;

use super::*;

fn declared(wit: &str, world: &str) -> String {
    let mut resolve = Resolve::new();
    let package = resolve.push_source("test.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    declarations(&resolve, world)
}

#[test]
fn contract_is_declared() {
    let wit = include_str!("../../../../../wit/text-processor/world.wit");
    let expected = r#"// Made by kumiki from the WIT; every build overwrites this file.

declare module "myapp:text-processor/host-api" {
  export type LogLevel = "debug" | "info" | "warn" | "error";
  export function log(level: LogLevel, msg: string): void;
  export function getConfig(key: string): string | null | undefined;
}

declare module "myapp:text-processor/types" {
  export interface KeyValue {
    key: string;
    value: string;
  }
  export interface ProcessResult {
    output: string;
    metadata: KeyValue[];
  }
  export type ProcessError = "invalid-input" | "unsupported-format" | "internal-error";
}

declare module "myapp:text-processor/plugin" {
  export type ProcessResult = import("myapp:text-processor/types").ProcessResult;
  export type ProcessError = import("myapp:text-processor/types").ProcessError;
  /** The module's export `plugin`. */
  export interface Plugin {
    getName(): string;
    getVersion(): string;
    process(input: string): ProcessResult | { tag: "ok"; val: ProcessResult } | { tag: "err"; val: ProcessError };
  }
}
"#;
    assert_eq!(declared(wit, "text-plugin"), expected);
}

#[test]
fn derived_object_is_documented() {
    let wit = concat!(
        include_str!("../../../../../wit/text-processor/world.wit"),
        include_str!("../../../../../wit/text-processor/batch.wit"),
    );
    let declared = declared(wit, "text-plugin-batch");
    for line in [
        "/** The module's export `plugin`. */",
        "/** The module's export `batch`; if missing, it is derived from `process`. */",
    ] {
        assert!(declared.contains(line), "{declared}");
    }
}

#[test]
fn types_are_declared() {
    for (wit, expected) in [
        ("type t = u8;", "export type T = number;"),
        ("type t = s64;", "export type T = bigint;"),
        ("type t = char;", "export type T = string;"),
        ("type t = list<u8>;", "export type T = Uint8Array;"),
        ("type t = list<f32>;", "export type T = ArrayLike<number>;"),
        ("type t = list<u64>;", "export type T = ArrayLike<bigint>;"),
        ("type t = list<string>;", "export type T = string[];"),
        (
            "type t = list<option<bool>>;",
            "export type T = (boolean | null | undefined)[];",
        ),
        (
            "type t = option<option<u8>>;",
            "export type T = { tag: \"some\"; val: number | null | undefined } | { tag: \"none\" };",
        ),
        (
            "type t = tuple<u8, string>;",
            "export type T = [number, string];",
        ),
        (
            "type t = result<_, string>;",
            "export type T = { tag: \"ok\"; val?: undefined } | { tag: \"err\"; val: string };",
        ),
        (
            "variant a-b { none, some-thing(list<u8>) }",
            "export type AB = { tag: \"none\" } | { tag: \"some-thing\"; val: Uint8Array };",
        ),
        (
            "flags f { can-read, write }",
            "export interface F {\n    canRead?: boolean;\n    write?: boolean;\n  }",
        ),
        (
            "/// About it.\n record r { a-b: option<u8>, c: option<option<u8>> }",
            "/**\n   * About it.\n   */\n  export interface R {\n    aB?: number | null;\n    \
             c: { tag: \"some\"; val: number | null | undefined } | { tag: \"none\" };\n  }",
        ),
        (
            "delete: func(new: string) -> result<u8, string>;",
            "const $delete: { (new_: string): number };\n  export { $delete as delete };",
        ),
        (
            "resource c { constructor(a: u8); get-it: func() -> u8; make: static func() -> c; }",
            "export class C {\n    constructor(a: number);\n    getIt(): number;\n    \
             static make(): C;\n  }",
        ),
        (
            "resource c;",
            "export class C {\n    private constructor();\n  }",
        ),
    ] {
        let wit = format!("package a:b; interface i {{ {wit} }} world w {{ import i; }}");
        let declared = declared(&wit, "w");
        assert!(
            declared.contains(expected),
            "{expected}\nis not in\n{declared}"
        );
    }
}

#[test]
fn functions_of_the_world_are_declared() {
    let wit = "package a:b; interface i { record r { x: u8 } } \
               world w { use i.{r}; import get-it: func() -> r; import delete: func(); }";
    let declared = declared(wit, "w");
    for expected in [
        "declare module \"get-it\" {\n  export type R = import(\"a:b/i\").R;\n  \
         export function getIt(): R;\n  export default getIt;\n}",
        "  const $delete: { (): void };\n  export { $delete as delete };\n  \
         export default $delete;\n}",
    ] {
        assert!(
            declared.contains(expected),
            "{expected}\nis not in\n{declared}"
        );
    }
}

#[test]
fn exported_classes_and_versions_are_declared() {
    let wit = "package a:b@1.2.0; interface i { record i { x: u8 } \
               resource c { constructor(a: u8); get-it: func() -> u8; } \
               f: func(c: borrow<c>) -> result; } world w { export i; }";
    let declared = declared(wit, "w");
    for expected in [
        "declare module \"a:b/i@1.2.0\" {",
        "declare module \"a:b/i\" {\n  export * from \"a:b/i@1.2.0\";\n}",
        "export interface C {\n    getIt(): number;\n  }",
        "export interface CClass {\n    new (a: number): C;\n  }",
        "export interface IExports {\n    f(c: C): void | { tag: \"ok\"; val?: undefined } | \
         { tag: \"err\"; val?: undefined };\n    C: CClass;\n  }",
    ] {
        assert!(
            declared.contains(expected),
            "{expected}\nis not in\n{declared}"
        );
    }
}

#[test]
fn files_not_generated_by_kumiki_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "name = 'a'\nlanguage = 'javascript'\nwit = 'w.wit'\nworld = 'w'\n";
    fs::write(folder.path().join("kumiki.toml"), manifest).unwrap();
    fs::write(folder.path().join("w.wit"), "package a:b; world w {}").unwrap();
    let project = Project::read(folder.path()).unwrap();
    let file = folder.path().join(FILE);
    write_declarations(&project).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{MARK}\n"));
    fs::write(&file, format!("{MARK} old")).unwrap();
    write_declarations(&project).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{MARK}\n"));
    fs::write(&file, "mine").unwrap();
    write_declarations(&project).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn streams_are_declared_as_what_a_module_reads_and_yields() {
    let wit = concat!(
        include_str!("../../../../../wit/text-processor/world.wit"),
        include_str!("../../../../../wit/text-processor/stream.wit"),
    );
    let text = declared(wit, "text-plugin-stream");
    for expected in [
        "transform(input: AsyncIterableIterator<Uint8Array>): \
         AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;",
        "declare class TextDecoder {",
        "declare class TextEncoder {",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    let text = declared(wit, "text-plugin");
    assert!(!text.contains("TextDecoder"), "{text}");
}

#[test]
fn asynchronous_functions_are_declared_with_promises() {
    let wit = "package a:b; interface i { f: async func() -> u8; g: func(a: future<string>); }
               world w { import i; export f: async func(); export i; }";
    let text = declared(wit, "w");
    for expected in [
        "export function f(): Promise<number>;",
        "f(): Promise<number> | number;",
        "g(a: { read(): Promise<string> }): void;",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}
