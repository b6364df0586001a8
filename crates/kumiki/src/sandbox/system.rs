//! What the system's own files are called that a process reads without being
//! asked to.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::access::Access;

/// The TCP port of name servers, for answers that are too long for UDP.
pub(super) const NAMES: u16 = 53;

/// Where what is written goes nowhere.
pub(super) const NOWHERE: &str = "/dev/null";

/// Where the dynamic loader looks for libraries first.
pub(super) const LIBRARY_CACHE: &str = "/etc/ld.so.cache";

/// What looking up a name reads: the C library's configuration.
const RESOLVER: [&str; 7] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
];

/// The services that the C library may ask in the place of a name server.
const SERVICES: [&str; 4] = [
    "/run/systemd/resolve",
    "/run/nscd",
    "/var/run/nscd",
    "/var/lib/nscd",
];

/// Where the C library's own plugins lie, which are loaded at the first look-up.
const LIBRARIES: [&str; 8] = [
    LIBRARY_CACHE,
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/run/current-system",
];

/// Where certificates lie, as the crate `openssl-probe` looks for them, and
/// what the links there lead to.
const CERTIFICATES: [&str; 9] = [
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/security/certificates",
    "/etc/static/ssl",
    "/usr/share/ca-certificates",
    "/usr/share/pki",
    "/usr/local/share/ca-certificates",
    "/opt/etc/ssl",
];

/// What every program reads.
pub(super) fn of_runtime() -> Vec<(PathBuf, Access)> {
    let mut rules = vec![
        ("/proc/self".into(), Access::Read),
        ("/dev/urandom".into(), Access::Read),
        (NOWHERE.into(), Access::Write),
        // How many of the processors may be used.
        ("/sys/fs/cgroup".into(), Access::Read),
    ];
    // For the backtrace of a panic.
    rules.extend(env::current_exe().map(|program| (program, Access::Read)));
    rules
}

/// What looking up names and checking certificates needs.
pub(super) fn of_network() -> impl Iterator<Item = (PathBuf, Access)> {
    let files = [&RESOLVER[..], &LIBRARIES, &CERTIFICATES].concat();
    let files = files.into_iter().map(PathBuf::from);
    let said = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter();
    let said = said.filter_map(env::var_os);
    let said = said.flat_map(|paths| env::split_paths(&paths).collect::<Vec<_>>());
    let reads = files.chain(said).map(|path| (path, Access::Read));
    let services = SERVICES.into_iter().map(PathBuf::from);
    reads.chain(services.map(|path| (path, Access::Connect)))
}

/// The files that this process has mapped: the program, its loader and its
/// libraries.
pub(super) fn mapped_files() -> Vec<PathBuf> {
    // A file of the kernel's has no length to make room by.
    let mut maps = Vec::with_capacity(16 << 10);
    let read = File::open("/proc/self/maps").and_then(|mut file| file.read_to_end(&mut maps));
    match read {
        Ok(_) => paths_in(&maps),
        Err(_) => Vec::new(),
    }
}

/// The paths in the text of a `/proc/*/maps`, each once.
fn paths_in(maps: &[u8]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for line in maps.split(|byte| *byte == b'\n') {
        // Address, permissions, offset, device, inode; then the path, if any.
        if let Some(start) = line.iter().position(|byte| *byte == b'/')
            && !paths.contains(&&line[start..])
        {
            paths.push(&line[start..]);
        }
    }
    let paths = paths.into_iter();
    paths.map(|path| OsStr::from_bytes(path).into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_paths_are_found() {
        let maps = b"55d0-55d4 r--p 00000000 fe:00 1234    /usr/bin/a b\n\
                     55d4-55d8 r-xp 00004000 fe:00 1234    /usr/bin/a b\n\
                     7f00-7f08 rw-p 00000000 00:00 0 \n\
                     7f08-7f10 r--p 00000000 fe:00 99      /lib/libc.so.6\n\
                     7ffd-7ffe rw-p 00000000 00:00 0       [stack]\n";
        let paths = ["/usr/bin/a b", "/lib/libc.so.6"].map(PathBuf::from);
        assert_eq!(paths_in(maps), paths);
        assert_eq!(paths_in(b""), [] as [PathBuf; 0]);
        let program = env::current_exe().unwrap();
        assert!(mapped_files().contains(&program));
    }
}
