//! A plugin that has the same name as one that is trusted.

use crate::guests::folder_guest::intruder;
use crate::program::scene::Scene;
use crate::suite::Outcome::Answer;
use crate::suite::{Case, Seen};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "grants by file: two plugins of one name",
            Answer,
            "",
            || ambiguous().map(|()| Seen::answer()),
        )
        .patience(60),
    ]
}

fn ambiguous() -> Result<(), String> {
    let scene = Scene::new()?;
    scene.folder("work/data")?;
    scene.file("work/mine/p.wasm", intruder("mine"))?;
    scene.file("work/theirs/p.wasm", intruder("theirs"))?;
    let grants = "[plugin.p]\ndirs = ['data::/data:rw']\n";
    scene.file("work/grants.toml", grants)?;
    let command = "run --grants grants.toml -p mine/p.wasm -p theirs/p.wasm --text hi";
    let ran = scene.kumiki(command)?;
    ran.expect(2, &["`mine/p.wasm`", "`theirs/p.wasm`", "blake3:"])?;
    if !scene.names("work/data").is_empty() {
        return Err("a plugin wrote".into());
    }
    // By its path, it is one of them.
    let grants = "[plugin.'./mine/p.wasm']\ndirs = ['data::/data:rw']\n";
    scene.file("work/grants.toml", grants)?;
    scene.kumiki(command)?.expect(0, &[])?;
    match &*scene.names("work/data") {
        [one] if one == "pwned" => Ok(()),
        other => Err(format!("{other:?} in the folder that was granted")),
    }
}
