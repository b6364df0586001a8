//! The paths of system files that a process and its libraries read.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::access::Access;

/// The TCP port of DNS servers, for answers that are too long for UDP.
pub(super) const DNS_PORT: u16 = 53;

pub(super) const NULL_DEVICE: &str = "/dev/null";

/// The cache of the dynamic loader, which it searches first.
pub(super) const LIBRARY_CACHE: &str = "/etc/ld.so.cache";

/// The C library's configuration for name lookups.
const RESOLVER: [&str; 7] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
];

/// The services that the C library may ask instead of a DNS server.
const SERVICES: [&str; 4] = [
    "/run/systemd/resolve",
    "/run/nscd",
    "/var/run/nscd",
    "/var/lib/nscd",
];

/// The folders of the C library's own plugins, which it loads at the first lookup.
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

/// The folders of certificates, as the crate `openssl-probe` searches them, and the
/// targets of links in them.
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

/// Returns the rules for files that every program needs.
pub(super) fn runtime_rules() -> Vec<(PathBuf, Access)> {
    let mut rules = vec![
        ("/proc/self".into(), Access::Read),
        ("/dev/urandom".into(), Access::Read),
        (NULL_DEVICE.into(), Access::Write),
        // The number of processors that may be used.
        ("/sys/fs/cgroup".into(), Access::Read),
    ];
    // For the backtrace of a panic.
    rules.extend(env::current_exe().map(|program| (program, Access::Read)));
    rules
}

/// Returns the rules for name lookups and certificate checks.
pub(super) fn network_rules() -> impl Iterator<Item = (PathBuf, Access)> {
    let files = [&RESOLVER[..], &LIBRARIES, &CERTIFICATES].concat();
    let files = files.into_iter().map(PathBuf::from);
    let configured = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter();
    let configured = configured.filter_map(env::var_os);
    let configured = configured.flat_map(|paths| env::split_paths(&paths).collect::<Vec<_>>());
    let reads = files.chain(configured).map(|path| (path, Access::Read));
    let services = SERVICES.into_iter().map(PathBuf::from);
    reads.chain(services.map(|path| (path, Access::Connect)))
}

/// Returns the files that this process has mapped: the program, its loader and its
/// libraries.
pub(super) fn mapped_files() -> Vec<PathBuf> {
    // The kernel reports a length of 0 for files in `/proc`: preallocate.
    let mut maps = Vec::with_capacity(16 << 10);
    let read = File::open("/proc/self/maps").and_then(|mut file| file.read_to_end(&mut maps));
    match read {
        Ok(_) => paths_in(&maps),
        Err(_) => Vec::new(),
    }
}

/// Returns the paths in the text of a `/proc/*/maps`, without duplicates.
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
