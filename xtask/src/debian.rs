//! Installs Debian packages if possible; otherwise reports the command to run.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::step::{run, step};

/// Installs `packages`, as root or with a sudo that needs no password.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let packages = packages.join(" ");
    if !works("apt-get", &["--version"]) {
        bail!("apt-get not found\nhint: install the equivalents of the Debian packages {packages}");
    }
    let sudo: &[&str] = if is_root() {
        &[]
    } else if works("sudo", &["-n", "true"]) {
        &["sudo", "-n"]
    } else {
        bail!(
            "packages are missing, and installing them requires root\n\
             hint: sudo apt-get install {packages}"
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
        // The package lists may be outdated or missing.
        apt_get(&install).or_else(|_| apt_get(&["update"]).and_then(|()| apt_get(&install)))
    })
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether a program exists and succeeds.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
