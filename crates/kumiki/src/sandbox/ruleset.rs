//! Conversion of a sandbox into a Landlock ruleset.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use landlock::{
    ABI, AccessFs, AccessNet, AddRuleError, AddRulesError, BitFlags, LandlockStatus, NetPort,
    RestrictSelf, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError,
    make_bitflags, path_beneath_rules,
};
use rustix::io::Errno;

use super::access::{Access, Scope};
use super::{Sandbox, SandboxStatus, system};
use crate::{Error, Result};

/// The minimum version. Version 1 denies all renames between folders, even those within a
/// writable granted folder.
const OLDEST: ABI = ABI::V2;
/// The newest version whose rights are used.
const NEWEST: ABI = ABI::V10;

/// The maximum number of ports, which need a rule each. If more are granted, connecting
/// is not restricted.
const MAX_PORTS: usize = 1024;

const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
const CHANGE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    WriteFile | Truncate | MakeReg | MakeDir | MakeSym | RemoveFile | RemoveDir | Refer
});
const REPLACE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadDir | WriteFile | Truncate | MakeReg | RemoveFile
});

impl Access {
    fn rights(self) -> BitFlags<AccessFs> {
        match self {
            Self::Read => READ,
            Self::Write => READ | CHANGE,
            Self::Replace => REPLACE,
            Self::Execute => AccessFs::Execute | AccessFs::ReadFile,
            Self::Connect => READ | AccessFs::ResolveUnix,
        }
    }
}

/// As [`Sandbox::supported`].
pub(super) fn supported() -> SandboxStatus {
    let ask = RestrictSelf::default().no_new_privs(false).apply();
    let Ok(LandlockStatus::Available { effective_abi, .. }) = ask.map(|ask| ask.landlock) else {
        return SandboxStatus::NONE;
    };
    if effective_abi < OLDEST {
        return SandboxStatus::NONE;
    }
    SandboxStatus {
        landlock: effective_abi as u32,
        tcp: effective_abi >= ABI::V4,
        scopes: effective_abi >= ABI::V6,
        whole_process: false,
    }
}

/// As [`Sandbox::restrict_current_thread`].
pub(super) fn restrict(sandbox: &Sandbox) -> Result<SandboxStatus> {
    let status = supported();
    if !status.is_active() {
        return Ok(status);
    }
    let failed = |error: RulesetError| Error::Sandbox {
        message: error.to_string(),
    };
    let rules = match sandbox.scope {
        Scope::All => full_ruleset(sandbox),
        Scope::Changes => changes_ruleset(sandbox),
    };
    let restricted = rules.and_then(RulesetCreated::restrict_self);
    restricted.map_err(failed)?;
    Ok(SandboxStatus {
        whole_process: is_only_thread(),
        ..status
    })
}

fn full_ruleset(sandbox: &Sandbox) -> Result<RulesetCreated, RulesetError> {
    use landlock::{Access as _, Scope};

    let files = AccessFs::from_all(NEWEST);
    let ports = ports(&sandbox.ports);
    let network = match &ports {
        Some(none) if none.is_empty() => AccessNet::from_all(NEWEST),
        Some(_) => AccessNet::BindTcp | AccessNet::ConnectTcp,
        None => AccessNet::BindTcp.into(),
    };
    let mut rules = Ruleset::default()
        .handle_access(files)?
        .handle_access(network)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    let runtime_rules = system::runtime_rules();
    for (path, access) in runtime_rules.iter().chain(&sandbox.rules) {
        allow(&mut rules, path, access.rights() & files)?;
    }
    if !sandbox.ports.is_empty() {
        // Connecting first binds the socket to a free port.
        (&mut rules).add_rule(NetPort::new(0, AccessNet::BindTcp))?;
    }
    for port in ports.into_iter().flatten() {
        (&mut rules).add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    Ok(rules)
}

/// Returns the ports in these ranges; `None` if there are more than [`MAX_PORTS`].
fn ports(ranges: &[RangeInclusive<u16>]) -> Option<BTreeSet<u16>> {
    if ranges.iter().any(|range| range.len() > MAX_PORTS) {
        return None;
    }
    let ports: BTreeSet<u16> = ranges.iter().cloned().flatten().collect();
    (ports.len() <= MAX_PORTS).then_some(ports)
}

fn changes_ruleset(sandbox: &Sandbox) -> Result<RulesetCreated, RulesetError> {
    use landlock::Access as _;

    let files = AccessFs::from_all(NEWEST) & !READ & !AccessFs::IoctlDev & !AccessFs::ResolveUnix;
    let mut rules = Ruleset::default().handle_access(files)?.create()?;
    allow(&mut rules, Path::new(system::NULL_DEVICE), CHANGE & files)?;
    for (path, access) in &sandbox.rules {
        let rights = access.rights() & files;
        if !rights.is_empty() {
            allow(&mut rules, path, rights)?;
        }
    }
    Ok(rules)
}

/// Adds a rule for the file or folder that a path currently leads to, if it exists.
fn allow(
    rules: &mut RulesetCreated,
    path: &Path,
    rights: BitFlags<AccessFs>,
) -> Result<(), RulesetError> {
    for rule in path_beneath_rules([path], rights) {
        match (&mut *rules).add_rule(rule?) {
            Err(error) if !is_unsupported_file(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Returns whether a rule is for a file without a folder, such as an anonymous pipe:
/// Landlock does not restrict those, and refuses rules for them.
fn is_unsupported_file(error: &RulesetError) -> bool {
    let RulesetError::AddRules(AddRulesError::Fs(AddRuleError::AddRuleCall { source, .. })) = error
    else {
        return false;
    };
    source.raw_os_error() == Some(Errno::BADFD.raw_os_error())
}

/// Returns whether this process has only one thread; false if that is unknown.
fn is_only_thread() -> bool {
    use std::os::unix::fs::MetadataExt as _;

    // A folder has two links, plus one for each folder in it, here one for each thread.
    fs::metadata("/proc/self/task").is_ok_and(|threads| threads.nlink() == 3)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::{TcpListener, TcpStream, ToSocketAddrs};
    use std::process::{Command, Stdio};
    use std::thread;

    use super::*;
    use crate::Grants;

    /// Runs `act` on a restricted thread.
    fn restricted<T: Send + 'static>(
        sandbox: Sandbox,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let thread = thread::spawn(move || {
            let status = sandbox.restrict_current_thread().unwrap();
            assert!(status.is_active(), "{status}");
            // The test runner has other threads.
            assert!(!status.whole_process);
            act()
        });
        thread.join().unwrap()
    }

    /// Creates a file without read access, which is not allowed everywhere.
    fn create(path: &Path) -> io::Result<()> {
        let mut options = fs::File::options();
        options.write(true).create_new(true).open(path).map(drop)
    }

    fn is_denied<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    }

    #[test]
    fn folders_have_the_specified_access() {
        if !supported().is_active() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["read", "write", "replace", "none"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("file"), name).unwrap();
        }
        let sandbox = Sandbox::new()
            .read(at("read"))
            .write(at("write"))
            .replace(at("replace"))
            .read(at("not-there"));
        let root = folder.path().to_owned();
        restricted(sandbox, move || {
            // Read, list, write, create, rename, remove.
            for (name, allowed) in [
                ("read", [true, true, false, false, false, false]),
                ("write", [true, true, true, true, true, true]),
                ("replace", [false, true, true, true, true, true]),
                ("none", [false, false, false, false, false, false]),
            ] {
                let folder = root.join(name);
                let found = [
                    fs::read(folder.join("file")).map(drop),
                    fs::read_dir(&folder).map(drop),
                    fs::write(folder.join("file"), "changed"),
                    create(&folder.join("new")),
                    fs::rename(folder.join("file"), folder.join("renamed")),
                    fs::remove_file(folder.join("renamed")),
                ];
                for (at, (found, allowed)) in found.into_iter().zip(allowed).enumerate() {
                    let found = match (name, at) {
                        // The file was not renamed, so there is nothing to remove.
                        ("read" | "none", 5) => continue,
                        _ => is_denied(found),
                    };
                    assert_eq!(found, !allowed, "{name}, {at}");
                }
            }
        });
    }

    #[test]
    fn second_restriction_adds_only_limits_on_changes() {
        if !supported().is_active() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "text").unwrap();
        let sandbox = Sandbox::new().write(folder.path()).execute("/bin/true");
        restricted(sandbox, move || {
            fs::write(&file, "text").unwrap();
            Sandbox::for_changes().restrict_current_thread().unwrap();
            assert!(is_denied(fs::write(&file, "changed")));
            assert_eq!(fs::read_to_string(&file).unwrap(), "text");
            assert!(is_denied(Command::new("/bin/true").status()));
        });
    }

    #[test]
    fn only_this_program_can_be_executed() {
        if !supported().is_active() {
            return;
        }
        let program = std::env::current_exe().unwrap();
        restricted(Sandbox::new().execute_this_program(), move || {
            let run = |program: &Path| {
                let mut command = Command::new(program);
                command
                    .arg("--list")
                    .stdout(Stdio::null())
                    .stdin(Stdio::null());
                command.stderr(Stdio::null()).status()
            };
            assert!(run(&program).unwrap().success());
            assert!(is_denied(run(Path::new("/bin/ls"))));
        });
        let program = std::env::current_exe().unwrap();
        restricted(Sandbox::new(), move || {
            assert!(is_denied(Command::new(program).status()));
        });
    }

    #[test]
    fn only_granted_ports_can_be_connected_to() {
        if !supported().tcp {
            return;
        }
        let (granted, other) = (
            TcpListener::bind("127.0.0.1:0").unwrap(),
            TcpListener::bind("127.0.0.1:0").unwrap(),
        );
        let granted = granted.local_addr().unwrap();
        let other = other.local_addr().unwrap();
        let grant = |text: String| Grants::default().with_network(text.parse().unwrap());
        let of_port = grant(format!("loopback:{}", granted.port()));
        let of_all = grant("loopback:*".into());
        for (grants, [to_granted, to_other]) in [
            (Grants::default(), [false, false]),
            (of_port, [true, false]),
            (of_all, [true, true]),
        ] {
            restricted(Sandbox::new().grants(&grants), move || {
                assert_eq!(is_denied(TcpStream::connect(granted)), !to_granted);
                assert_eq!(is_denied(TcpStream::connect(other)), !to_other);
                assert!(is_denied(TcpListener::bind(("127.0.0.1", 47_111))));
            });
        }
    }

    /// With a network grant, name lookups and certificates work as without a sandbox; the
    /// system's other files stay inaccessible.
    #[test]
    fn network_grant_allows_name_lookups_and_certificates() {
        if !supported().is_active() {
            return;
        }
        let found = || {
            let names = ("localhost", 80).to_socket_addrs();
            let names = names.map(|names| names.collect::<BTreeSet<_>>());
            #[cfg(feature = "http")]
            let certificates = rustls_native_certs::load_native_certs().certs.len();
            #[cfg(not(feature = "http"))]
            let certificates = 0;
            (names.ok(), certificates)
        };
        let grants = Grants::default().with_network("public:443".parse().unwrap());
        let with_grant = restricted(Sandbox::new().grants(&grants), move || {
            assert!(is_denied(fs::read("/etc/passwd")));
            found()
        });
        let without = restricted(Sandbox::new(), found);
        let unrestricted = found();
        assert_eq!(with_grant, unrestricted);
        assert_eq!(without.1, 0);
    }
}
