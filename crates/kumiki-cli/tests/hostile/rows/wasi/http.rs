//! Rows: guests that leave memory of the host behind in requests that they never
//! send. They need no grant.

use test_components::{ECHO, TextPlugin};

use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        row("60 requests to a name of 20 MB", "set-authority", 1),
        row("60 requests with a path of 20 MB", "set-path-with-query", 1),
        row("60 requests with a method of 20 MB", "set-method", 9),
        row("60 requests with a scheme of 20 MB", "set-scheme", 1),
    ]
}

/// Makes 60 requests, and gives each the same text. `kind` says of a variant or an
/// option that a text follows.
fn row(name: &'static str, function: &str, kind: u32) -> Case {
    const TYPES: &str = "wasi:http/types";
    // A scheme is an option of a variant.
    let kind = match function {
        "set-scheme" => "(i32.const 1) (i32.const 2)".to_owned(),
        _ => format!("(i32.const {kind})"),
    };
    let process = format!(
        "(local $left i32) (local $request i32) (local $text i32)
         (local.set $left (i32.const 10))
         (local.set $text (i32.mul (memory.grow (i32.const 320)) (i32.const 65536)))
         (memory.fill (local.get $text) (i32.const 97) (i32.const 20000000))
         (loop $next
            (local.set $request (call $request (call $fields)))
            (if (i32.eqz (call $set (local.get $request) {kind} (local.get $text)
                    (i32.const 20000000)))
                (then unreachable))
            (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
         {ECHO}"
    );
    let guest = TextPlugin::new("hostile")
        .with_all_of_wasi()
        .wasi(TYPES, "[constructor]fields", "$fields")
        .wasi(TYPES, "[constructor]outgoing-request", "$request")
        .wasi(
            TYPES,
            &format!("[method]outgoing-request.{function}"),
            "$set",
        )
        .process(&process);
    Case::in_scene(name, move |scene| {
        scene.file("work/p.wasm", guest.build())?;
        scene.file("work/in.txt", "x\n".repeat(6))?;
        let output = scene.run("run -q -p p.wasm in.txt -o raw --jobs 1 --memory-limit 256MiB")?;
        output.expect_within(0, 512)
    })
}
