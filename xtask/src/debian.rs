//! Installs Debian packages where that is possible; says the command where it
//! is not.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::step::{run, step};

/// Installs `packages`, as root or with a sudo that asks for no password.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let packages = packages.join(" ");
    if !works("apt-get", &["--version"]) {
        bail!("this system has no apt-get\nhint: install what Debian calls {packages}");
    }
    let sudo: &[&str] = if is_root() {
        &[]
    } else if works("sudo", &["-n", "true"]) {
        &["sudo", "-n"]
    } else {
        bail!(
            "packages are missing and only root can install them\nhint: sudo apt-get install {packages}"
        );
    };
    let apt_get = |arguments: &[&str]| {
        let words = [
            sudo,
            &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"],
            arguments,
        ];
        let words = words.concat();
        run(Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::null()))
    };
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(packages.split(' '));
    step(&format!("apt-get install {packages}"), || {
        // A machine's package lists may be old or not there yet.
        apt_get(&install).or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&install)))
    })
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether a program is there and succeeds.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
