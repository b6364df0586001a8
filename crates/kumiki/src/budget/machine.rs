//! How much memory this process may have, as Linux tells it: the machine's, or
//! that of its control group where it is less.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Where control groups are mounted, by custom of all distributions.
const UNIFIED: &str = "/sys/fs/cgroup";
const MEMORY: &str = "/sys/fs/cgroup/memory";

/// Three quarters of it, in bytes; no bound where the system does not tell.
pub(super) fn share() -> usize {
    // A file of the kernel's has no length to make room by.
    let read = |path: &Path| {
        let mut text = String::with_capacity(4 << 10);
        File::open(path).ok()?.read_to_string(&mut text).ok()?;
        Some(text)
    };
    let bytes = memory(read).map_or(u64::MAX, |bytes| bytes / 4 * 3);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// All of it, in bytes, from what `read` finds in the system's files.
fn memory(read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| total(&text));
    let group = read(Path::new("/proc/self/cgroup")).and_then(|text| group(&text, &read));
    machine.into_iter().chain(group).min()
}

/// The machine's memory in bytes, from `/proc/meminfo`.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The lowest limit of this process's control groups, and of all above them.
fn group(groups: &str, read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let limits = groups.lines().flat_map(|line| {
        // `0::/path` in version 2, `4:memory:/path` in version 1.
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (mount, file) = match controllers {
            "" => (UNIFIED, "memory.max"),
            names if names.split(',').any(|name| name == "memory") => {
                (MEMORY, "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let folder = below(mount, path);
        let folders = folder.ancestors().take_while(|at| at.starts_with(mount));
        let limits = folders.filter_map(|at| read(&at.join(file))?.trim().parse().ok());
        limits.min()
    });
    limits.min()
}

/// The folder of a group. In a container `path` may be that of the host, which
/// is not mounted there: then the folders above it have the limit. One that
/// begins with `..` lies outside of what is mounted.
fn below(mount: &str, path: &str) -> PathBuf {
    let mut folder = PathBuf::from(mount);
    let parts = Path::new(path).components();
    folder.extend(parts.filter(|part| matches!(part, Component::Normal(_))));
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path, and what the file there holds.
    type Text = (&'static str, &'static str);

    /// What a system with these files tells.
    fn told(files: &[Text]) -> Option<u64> {
        memory(|path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            file.map(|(_, text)| (*text).to_owned())
        })
    }

    const MEMINFO: Text = (
        "/proc/meminfo",
        "MemTotal:        1000 kB\nMemFree:          500 kB\n",
    );
    const MACHINE: Option<u64> = Some(1_024_000);

    #[test]
    fn the_machine_has_so_much() {
        for (text, bytes) in [
            ("MemTotal:       24592132 kB\n", Some(25_182_343_168)),
            ("MemFree: 5 kB\nMemTotal: 7 kB\n", Some(7168)),
            ("MemTotal: 7\n", None),
            ("MemTotal: many kB\n", None),
            ("MemTotal: 18446744073709551615 kB\n", None),
            ("SwapTotal: 7 kB\n", None),
            ("", None),
        ] {
            assert_eq!(total(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn a_control_group_may_have_less() {
        let group = "/proc/self/cgroup";
        // Each row: the groups, the files with limits, and what comes of them.
        let cases: [(&str, &[Text], Option<u64>); 17] = [
            ("", &[], MACHINE),
            ("0::/\n", &[], MACHINE),
            ("0::/\n", &[("/sys/fs/cgroup/memory.max", "max\n")], MACHINE),
            (
                "0::/\n",
                &[("/sys/fs/cgroup/memory.max", "4096\n")],
                Some(4096),
            ),
            (
                "0::/\n",
                &[("/sys/fs/cgroup/memory.max", "99999999999999999999\n")],
                MACHINE,
            ),
            // Version 1 has no word for no limit.
            (
                "4:memory:/\n",
                &[(
                    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                    "9223372036854771712\n",
                )],
                MACHINE,
            ),
            (
                "0::/a/b\n",
                &[("/sys/fs/cgroup/a/b/memory.max", "8192\n")],
                Some(8192),
            ),
            (
                "0::/a/b\n",
                &[
                    ("/sys/fs/cgroup/a/b/memory.max", "8192\n"),
                    ("/sys/fs/cgroup/a/memory.max", "4096\n"),
                ],
                Some(4096),
            ),
            (
                "0::/a/b\n",
                &[
                    ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
                    ("/sys/fs/cgroup/a/memory.max", "4096\n"),
                ],
                Some(4096),
            ),
            // A sibling's limit is none of ours.
            (
                "0::/a\n",
                &[("/sys/fs/cgroup/ab/memory.max", "4096\n")],
                MACHINE,
            ),
            // In a container, the host's path is not there.
            (
                "0::/docker/1a2b\n",
                &[("/sys/fs/cgroup/memory.max", "4096\n")],
                Some(4096),
            ),
            (
                "9:cpu,cpuacct:/x\n4:memory:/docker/1a2b\n",
                &[("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n")],
                Some(4096),
            ),
            (
                "4:hugetlb,memory:/x\n",
                &[("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "4096\n")],
                Some(4096),
            ),
            // Both versions at once: memory belongs to one of them.
            (
                "4:memory:/x\n0::/\n",
                &[("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "4096\n")],
                Some(4096),
            ),
            (
                "0::/../other\n",
                &[("/sys/fs/cgroup/memory.max", "4096\n")],
                Some(4096),
            ),
            (
                "0::/a:b\n",
                &[("/sys/fs/cgroup/a:b/memory.max", "4096\n")],
                Some(4096),
            ),
            (
                "nonsense\n7\n::\n0::/a\n",
                &[("/sys/fs/cgroup/a/memory.max", "4096\n")],
                Some(4096),
            ),
        ];
        for (groups, limits, bytes) in cases {
            let files = [&[MEMINFO, (group, groups)], limits].concat();
            assert_eq!(told(&files), bytes, "{groups:?} {limits:?}");
        }
    }

    #[test]
    fn what_is_not_told_is_no_bound() {
        assert_eq!(told(&[]), None);
        let limit = ("/sys/fs/cgroup/memory.max", "4096");
        assert_eq!(told(&[("/proc/self/cgroup", "0::/"), limit]), Some(4096));
        assert_eq!(told(&[limit]), None);
    }
}
