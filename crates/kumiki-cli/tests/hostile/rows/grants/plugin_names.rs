//! Rows: a plugin with the same name as a plugin that has grants.

use crate::guests::files::intruder;
use crate::program::Scene;
use crate::suite::Case;

pub(crate) fn cases() -> Vec<Case> {
    vec![Case::check("grants by file: two plugins with the same name", ambiguous).timeout(60)]
}

fn ambiguous() -> Result<(), String> {
    let scene = Scene::with_cache()?;
    scene.folder("work/data")?;
    scene.file("work/mine/p.wasm", intruder("mine"))?;
    scene.file("work/theirs/p.wasm", intruder("theirs"))?;
    let grants = "[plugin.p]\ndirs = ['data::/data:rw']\n";
    scene.file("work/grants.toml", grants)?;
    let command = "run --grants grants.toml -p mine/p.wasm -p theirs/p.wasm --text hi";
    scene
        .run(command)?
        .expect(2, &["`mine/p.wasm`", "`theirs/p.wasm`", "blake3:"])?;
    if !scene.names("work/data").is_empty() {
        return Err("a plugin wrote".into());
    }
    // A path names one of them.
    let grants = "[plugin.'./mine/p.wasm']\ndirs = ['data::/data:rw']\n";
    scene.file("work/grants.toml", grants)?;
    scene.run(command)?.expect(0, &[])?;
    match &*scene.names("work/data") {
        [one] if one == "pwned" => Ok(()),
        other => Err(format!("{other:?} in the folder that was granted")),
    }
}
