//! A sandbox as a ruleset of Landlock.

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

/// The oldest version that is used. The first refuses all renames between
/// folders, also those that a guest with a folder of its own may make.
const OLDEST: ABI = ABI::V2;
/// The newest one whose rights are asked for.
const NEWEST: ABI = ABI::V10;

/// Ports that each get a rule of their own. Where more are granted, connecting
/// is not restricted at all.
const PORTS: usize = 1024;

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
        Scope::All => all(sandbox),
        Scope::Changes => changes(sandbox),
    };
    let restricted = rules.and_then(RulesetCreated::restrict_self);
    restricted.map_err(failed)?;
    Ok(SandboxStatus {
        whole_process: is_only_thread(),
        ..status
    })
}

fn all(sandbox: &Sandbox) -> Result<RulesetCreated, RulesetError> {
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
    let of_runtime = system::of_runtime();
    for (path, access) in of_runtime.iter().chain(&sandbox.rules) {
        allow(&mut rules, path, access.rights() & files)?;
    }
    if !sandbox.ports.is_empty() {
        // A socket that connects is bound first, to a port that is free.
        (&mut rules).add_rule(NetPort::new(0, AccessNet::BindTcp))?;
    }
    for port in ports.into_iter().flatten() {
        (&mut rules).add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
    }
    Ok(rules)
}

/// The ports of these ranges; none where they are too many for a rule each.
fn ports(ranges: &[RangeInclusive<u16>]) -> Option<BTreeSet<u16>> {
    if ranges.iter().any(|range| range.len() > PORTS) {
        return None;
    }
    let ports: BTreeSet<u16> = ranges.iter().cloned().flatten().collect();
    (ports.len() <= PORTS).then_some(ports)
}

fn changes(sandbox: &Sandbox) -> Result<RulesetCreated, RulesetError> {
    use landlock::Access as _;

    let files = AccessFs::from_all(NEWEST) & !READ & !AccessFs::IoctlDev & !AccessFs::ResolveUnix;
    let mut rules = Ruleset::default().handle_access(files)?.create()?;
    allow(&mut rules, Path::new(system::NOWHERE), CHANGE & files)?;
    for (path, access) in &sandbox.rules {
        let rights = access.rights() & files;
        if !rights.is_empty() {
            allow(&mut rules, path, rights)?;
        }
    }
    Ok(rules)
}

/// Adds a rule for what a path leads to now, if it leads anywhere.
fn allow(
    rules: &mut RulesetCreated,
    path: &Path,
    rights: BitFlags<AccessFs>,
) -> Result<(), RulesetError> {
    for rule in path_beneath_rules([path], rights) {
        match (&mut *rules).add_rule(rule?) {
            Err(error) if !is_of_no_folder(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a rule is for what lies in no folder, such as a pipe: Landlock does
/// not restrict that, and takes no rule for it.
fn is_of_no_folder(error: &RulesetError) -> bool {
    let RulesetError::AddRules(AddRulesError::Fs(AddRuleError::AddRuleCall { source, .. })) = error
    else {
        return false;
    };
    source.raw_os_error() == Some(Errno::BADFD.raw_os_error())
}

/// Whether this process has no other thread; not so where nobody says it.
fn is_only_thread() -> bool {
    use std::os::unix::fs::MetadataExt as _;

    // Besides its threads, it is linked to as every folder is, from two places.
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

    /// What comes of `act` on a thread that is restricted.
    fn restricted<T: Send + 'static>(
        sandbox: Sandbox,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        let thread = thread::spawn(move || {
            let status = sandbox.restrict_current_thread().unwrap();
            assert!(status.is_active(), "{status}");
            // The test's own threads are others.
            assert!(!status.whole_process);
            act()
        });
        thread.join().unwrap()
    }

    /// To write to it alone: what is made may not be read everywhere.
    fn make(path: &Path) -> io::Result<()> {
        let mut options = fs::File::options();
        options.write(true).create_new(true).open(path).map(drop)
    }

    fn is_denied<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    }

    #[test]
    fn a_folder_is_allowed_as_it_is_said() {
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
            // Read, list, write, make, rename, remove.
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
                    make(&folder.join("new")),
                    fs::rename(folder.join("file"), folder.join("renamed")),
                    fs::remove_file(folder.join("renamed")),
                ];
                for (at, (found, allowed)) in found.into_iter().zip(allowed).enumerate() {
                    let found = match (name, at) {
                        // There is nothing to remove.
                        ("read" | "none", 5) => continue,
                        _ => is_denied(found),
                    };
                    assert_eq!(found, !allowed, "{name}, {at}");
                }
            }
        });
    }

    #[test]
    fn a_second_restriction_narrows_changes_only() {
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
    fn this_program_alone_may_be_executed() {
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
    fn granted_ports_alone_may_be_connected_to() {
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
    /// With a network grant, names are looked up and certificates are found as
    /// without a sandbox; files of the machine's are still out of reach.
    #[test]
    fn a_network_grant_brings_names_and_certificates() {
        if !supported().is_active() {
            return;
        }
        let found = || {
            let names = ("localhost", 80).to_socket_addrs();
            let names = names.map(|names| names.collect::<BTreeSet<_>>());
            let certificates = rustls_native_certs::load_native_certs().certs.len();
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
