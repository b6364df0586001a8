//! Reports of denied access.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use kumiki::{FolderGrant, Grants, Limits};
use libtest_mimic::Failed;

use crate::PERMISSION_DENIED;
use crate::folders::folders;
use crate::reach::Watched;

/// The reported grant allows the access that was denied.
pub(crate) fn writes(path: &Path) -> Result<(), Failed> {
    let watched = Watched::new(path, Limits::default())?;
    for command in [
        "write /data/a x",
        "write /data/new x",
        "append /data/a x",
        "truncate /data/a",
        "remove /data/a",
        "make /data/new",
        "rename /data/a /data/new",
        "link /data/a /data/new",
        "symlink a /data/new",
        "write /data/inner/b x",
        // Through a descriptor that the guest opened itself.
        "clear /data/inner",
    ] {
        let folder = folders()?;
        let data = folder.path().join("data");
        let grants = Grants::default().with_folder(FolderGrant::read_only(&data, "/data"));
        let mut reach = watched.with(&grants)?;
        reach.expect(&[
            ("read /data/a", "A"),
            ("read /data/none", "error: NotFound"),
        ])?;
        assert_eq!(watched.denials.take(), [""; 0], "{command}");
        reach.expect(&[(command, PERMISSION_DENIED)])?;
        let reported = watched.denials.take();
        assert_eq!(
            reported,
            [format!("{}::/data:rw", data.display())],
            "{command}"
        );
        // Reported once per instance.
        reach.expect(&[
            (command, PERMISSION_DENIED),
            ("remove /data/a", PERMISSION_DENIED),
        ])?;
        assert_eq!(watched.denials.take(), [""; 0], "{command}");
        reach.0.restart();
        reach.expect(&[(command, PERMISSION_DENIED)])?;
        assert_eq!(watched.denials.take(), reported, "{command}");

        let grants = Grants::default().with_folder(reported[0].parse()?);
        let mut reach = watched.with(&grants)?;
        reach.expect(&[(command, "done")])?;
        assert_eq!(watched.denials.take(), [""; 0], "{command}");
    }
    Ok(())
}

pub(crate) fn paths_outside(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let at = |name| folder.path().join(name);
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", at("data/link"))?;
    let (data, other) = (
        FolderGrant::read_only(at("data"), "/data"),
        FolderGrant::read_write(at("other"), "/other"),
    );
    let grants = Grants::default()
        .with_folder(data.clone())
        .with_folder(other.clone());
    let read_write = format!("{}::/data:rw", at("data").display());
    let long = format!("read /data/../{}", "x".repeat(300));
    let shown = format!("../{} out of {data}", "x".repeat(253));
    let watched = Watched::new(path, Limits::default())?;
    for (command, reported) in [
        ("read /data/../secret", format!("../secret out of {data}")),
        (
            "read /data/inner/../../secret",
            format!("inner/../../secret out of {data}"),
        ),
        ("list /other/..", format!(".. out of {other}")),
        (&long, shown),
        #[cfg(unix)]
        ("read /data/link", format!("link out of {data}")),
        ("write /other/../new x", format!("../new out of {other}")),
        (
            "rename /other/c /other/../c",
            format!("../c out of {other}"),
        ),
        (
            "symlink /etc/passwd /other/new",
            format!("/etc/passwd out of {other}"),
        ),
        // That the folder is read-only is the more specific reason.
        ("write /data/../new x", read_write.clone()),
        ("rename /data/a /other/a", read_write.clone()),
        ("link /other/c /data/c", read_write),
    ] {
        let mut reach = watched.with(&grants)?;
        reach.expect(&[(command, PERMISSION_DENIED), (command, PERMISSION_DENIED)])?;
        assert_eq!(watched.denials.take(), [reported], "{command}");
    }
    Ok(())
}

/// Guests' libraries look up files and variables when they start, which is not reported.
pub(crate) fn lookups(path: &Path) -> Result<(), Failed> {
    let watched = Watched::new(path, Limits::default())?;
    let mut reach = watched.with(&Grants::default())?;
    for command in [
        "read /etc/passwd",
        "list .",
        "write x x",
        "env PATH",
        "envs",
        "args",
        "now",
        "random",
    ] {
        reach.answer(command)?;
        assert_eq!(watched.denials.take(), [""; 0], "{command}");
    }
    // A denied socket has no destination yet, so there is one notice without it.
    reach.expect(&[("connect 127.0.0.1:9", PERMISSION_DENIED)])?;
    assert_eq!(watched.denials.take(), ["Sockets"]);
    reach.expect(&[
        ("connect 127.0.0.1:9", PERMISSION_DENIED),
        ("send 127.0.0.1:9", PERMISSION_DENIED),
        ("listen 127.0.0.1:0", PERMISSION_DENIED),
    ])?;
    assert_eq!(watched.denials.take(), [""; 0]);
    reach.0.restart();
    reach.expect(&[("send 127.0.0.1:9", PERMISSION_DENIED)])?;
    assert_eq!(watched.denials.take(), ["Sockets"]);
    Ok(())
}

pub(crate) fn program(path: &Path) -> Result<(), Failed> {
    let folder = folders()?;
    let reported = |arguments: &[&str], input: &str| -> Result<Vec<String>, Failed> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kumiki"))
            .current_dir(folder.path())
            .args(["run", "-o", "raw", "-p"])
            .arg(fs::canonicalize(path)?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or("there is no standard input")?;
        stdin.write_all(input.as_bytes())?;
        drop(stdin);
        let errors = String::from_utf8(child.wait_with_output()?.stderr)?;
        let denied = errors.lines().filter(|line| line.contains("was denied"));
        Ok(denied.map(str::to_owned).collect())
    };
    for (arguments, input, expected) in [
        (
            &["--allow-dir", "./data::/x"][..],
            "write /x/a B\nremove /x/a\nread /x/../secret\n",
            &[
                "[reach] was denied write access to `/x`; to allow it: `--allow-dir ./data::/x:rw`",
                "[reach] was denied `../secret`, which leads out of `/x`: its target needs its \
                 own grant",
            ][..],
        ),
        (
            &[],
            "connect 127.0.0.1:9\nsend 127.0.0.1:9\n",
            &[
                "[reach] was denied a socket, because no network access is granted; to allow it: \
               `--allow-net WHERE:PORTS`",
            ],
        ),
        (&["-q"], "connect 127.0.0.1:9\n", &[]),
        (&[], "env PATH\nread /etc/passwd\n", &[]),
    ] {
        // A plugin that waits processes records at the same time.
        let (mut reported, mut expected) = (reported(arguments, input)?, expected.to_vec());
        reported.sort();
        expected.sort_unstable();
        assert_eq!(reported, expected, "{arguments:?} {input}");
    }
    // At most 20 denials are shown.
    let names: String = (0..50)
        .map(|number| format!("resolve n{number}.example\n"))
        .collect();
    let lines = reported(&[], &names)?;
    assert_eq!(lines.len(), 21, "{lines:?}");
    assert_eq!(
        lines[20],
        "[reach] was denied more; further denials are not shown"
    );
    Ok(())
}
