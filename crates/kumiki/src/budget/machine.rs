//! The memory available to this process on Linux: that of the machine, or the limit of
//! its control group if it is lower.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// The mount points of control groups, version 2 and version 1, on all distributions.
const VERSION_2: &str = "/sys/fs/cgroup";
const VERSION_1: &str = "/sys/fs/cgroup/memory";

/// Returns three quarters of the available memory in bytes; `usize::MAX` if it is unknown.
pub(super) fn default_budget() -> usize {
    // The kernel reports a length of 0 for its files: preallocate.
    let read = |path: &Path| {
        let mut text = String::with_capacity(4 << 10);
        File::open(path).ok()?.read_to_string(&mut text).ok()?;
        Some(text)
    };
    let bytes = memory(read).map_or(u64::MAX, |bytes| bytes / 4 * 3);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Returns the available memory in bytes; `read` reads a system file.
fn memory(read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| machine_memory(&text));
    let group = read(Path::new("/proc/self/cgroup")).and_then(|text| group_limit(&text, &read));
    machine.into_iter().chain(group).min()
}

/// Returns the machine's memory in bytes, from `/proc/meminfo`.
fn machine_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Returns the lowest limit of this process's control groups and their parents.
fn group_limit(groups: &str, read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let limits = groups.lines().flat_map(|line| {
        // Version 2: `0::/path`. Version 1: `4:memory:/path`.
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (mount, file) = match controllers {
            "" => (VERSION_2, "memory.max"),
            names if names.split(',').any(|name| name == "memory") => {
                (VERSION_1, "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let folder = group_folder(mount, path);
        let folders = folder.ancestors().take_while(|at| at.starts_with(mount));
        let limits = folders.filter_map(|at| read(&at.join(file))?.trim().parse().ok());
        limits.min()
    });
    limits.min()
}

/// Returns the folder of a control group. In a container, `path` may be the host's, which
/// is not mounted; in that case a parent folder has the limit. A path that begins with
/// `..` is outside the mount.
fn group_folder(mount: &str, path: &str) -> PathBuf {
    let mut folder = PathBuf::from(mount);
    let parts = Path::new(path).components();
    folder.extend(parts.filter(|part| matches!(part, Component::Normal(_))));
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path and the contents of the file.
    type Text = (&'static str, &'static str);

    /// Returns the available memory of a system with these files.
    fn memory_with(files: &[Text]) -> Option<u64> {
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
    fn machine_memory_is_parsed() {
        for (text, bytes) in [
            ("MemTotal:       24592132 kB\n", Some(25_182_343_168)),
            ("MemFree: 5 kB\nMemTotal: 7 kB\n", Some(7168)),
            ("MemTotal: 7\n", None),
            ("MemTotal: many kB\n", None),
            ("MemTotal: 18446744073709551615 kB\n", None),
            ("SwapTotal: 7 kB\n", None),
            ("", None),
        ] {
            assert_eq!(machine_memory(text), bytes, "{text:?}");
        }
    }

    #[test]
    fn control_group_limit_applies() {
        let group = "/proc/self/cgroup";
        // Each row: the groups, the files with limits, and the expected memory.
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
            // Version 1 has no `max`: without a limit, the number is huge.
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
            // A sibling's limit does not apply.
            (
                "0::/a\n",
                &[("/sys/fs/cgroup/ab/memory.max", "4096\n")],
                MACHINE,
            ),
            // In a container, the host's path does not exist.
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
            // Both versions at once: only one has the memory controller.
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
            assert_eq!(memory_with(&files), bytes, "{groups:?} {limits:?}");
        }
    }

    #[test]
    fn missing_files_give_no_limit() {
        assert_eq!(memory_with(&[]), None);
        let (groups, limit) = (
            ("/proc/self/cgroup", "0::/"),
            ("/sys/fs/cgroup/memory.max", "4096"),
        );
        assert_eq!(memory_with(&[groups, limit]), Some(4096));
        assert_eq!(memory_with(&[limit]), None);
    }
}
