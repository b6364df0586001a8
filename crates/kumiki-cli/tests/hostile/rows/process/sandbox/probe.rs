//! The attempts of a process that restricts itself. Each attempt must succeed before
//! the restriction; otherwise its failure would prove nothing. After the restriction it
//! must be refused on the first thread, on a later thread, and on a thread that the
//! later thread starts.

use std::fs;
use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use kumiki::{FolderGrant, Grants, LogRecord, Observer, Plugin, Sandbox};
use kumiki_text::{Config, TextContract, TextHost, TextPlugin};

use crate::guests::attacker;
use crate::guests::files::opener;
use crate::suite::granted::network;
use crate::suite::to_text;

/// The variables with the name of the probe, its folder and its port.
pub(crate) const WHAT: &str = "KUMIKI_PROBE";
pub(crate) const WHERE: &str = "KUMIKI_PROBE_FOLDER";
pub(crate) const PORT: &str = "KUMIKI_PROBE_PORT";

type Attempt = Box<dyn Fn() -> io::Result<()> + Send + Sync>;
type Outcome = Result<(), String>;

/// Runs a probe if a row started this process for it, and returns the exit code.
pub(crate) fn run_as_child() -> Option<i32> {
    let what = std::env::var(WHAT).ok()?;
    let root = PathBuf::from(std::env::var_os(WHERE)?);
    let outcome = match &*what {
        "files" => files(&root),
        "programs" => programs(&root),
        "links" => links(&root),
        "ports" => ports(),
        "scopes" => scopes(),
        "host-functions" => host_functions(&root),
        "guest-files" => guest_files(&root, true),
        "guest-files, unrestricted" => guest_files(&root, false),
        other => Err(format!("there is no probe `{other}`")),
    };
    let (code, fact) = match outcome {
        Ok(()) => (0, "all attempts refused".to_owned()),
        Err(fact) => (1, fact),
    };
    let _ = io::stdout().write_all(fact.as_bytes());
    Some(code)
}

/// Restricts this process, which has no other thread.
fn restrict(sandbox: &Sandbox) -> Outcome {
    let status = sandbox.restrict_current_thread();
    let status = status.map_err(to_text)?;
    match status.is_active() && status.whole_process {
        true => Ok(()),
        false => Err(format!("{status:?}")),
    }
}

/// Makes all attempts, restricts the process, and makes them again on three threads.
fn refused(sandbox: &Sandbox, attempts: Vec<(&'static str, Attempt)>) -> Outcome {
    for (name, attempt) in &attempts {
        attempt().map_err(|error| format!("{name}, before the restriction: {error}"))?;
    }
    restrict(sandbox)?;
    let all_refused = |thread: &str| {
        attempts.iter().try_for_each(|(name, attempt)| {
            let error = attempt().err().map(|error| error.kind());
            match error {
                Some(io::ErrorKind::PermissionDenied) => Ok(()),
                found => Err(format!("{name}, {thread}: {found:?}")),
            }
        })
    };
    all_refused("first thread")?;
    thread::scope(|scope| {
        let later = scope.spawn(|| {
            all_refused("second thread")?;
            let last = scope.spawn(|| all_refused("third thread"));
            last.join().unwrap_or_else(|_| Err("it panicked".into()))
        });
        later.join().unwrap_or_else(|_| Err("it panicked".into()))
    })
}

fn attempt<T>(
    name: &'static str,
    act: impl Fn() -> io::Result<T> + Send + Sync + 'static,
) -> (&'static str, Attempt) {
    (name, Box::new(move || act().map(drop)))
}

fn sandbox_of(root: &Path) -> Sandbox {
    Sandbox::new().write(root.join("work"))
}

fn files(root: &Path) -> Outcome {
    let (outside, inside) = (root.join("outside"), root.join("work"));
    let at = |name: &str| outside.join(name);
    for name in ["old", "gone", "gone too"] {
        fs::write(at(name), "").map_err(to_text)?;
    }
    let (secret, list, appended) = (at("secret"), outside.clone(), at("secret"));
    let (old, renamed, gone, gone_too) = (at("old"), at("renamed"), at("gone"), at("gone too"));
    let (new, folder) = (outside.clone(), outside.clone());
    let (linked, taken) = (at("secret"), inside.join("taken"));
    let attempts = vec![
        attempt("read", move || fs::read(&secret)),
        attempt("list", move || fs::read_dir(&list)),
        attempt("append", move || {
            fs::File::options().append(true).open(&appended)
        }),
        attempt("create", move || fs::File::create_new(new.join(unique()))),
        attempt("make a folder", move || {
            fs::create_dir(folder.join(unique()))
        }),
        attempt("remove", move || match gone.exists() {
            true => fs::remove_file(&gone),
            false => fs::remove_file(&gone_too),
        }),
        attempt("rename", move || {
            fs::rename(&old, &renamed).or_else(|_| fs::rename(&renamed, &old))
        }),
        attempt("hard link", move || {
            let _ = fs::remove_file(&taken);
            match fs::hard_link(&linked, &taken) {
                // Landlock's error for a file from another folder.
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    Err(io::ErrorKind::PermissionDenied.into())
                }
                other => other,
            }
        }),
        attempt("the machine's files", || fs::read("/etc/passwd")),
        attempt("another process's files", || fs::read("/proc/1/status")),
    ];
    refused(&sandbox_of(root), attempts)
}

/// Returns a new name.
fn unique() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("new {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn programs(root: &Path) -> Outcome {
    let copy = root.join("work/true");
    let program = ["/usr/bin/true", "/bin/true"].into_iter();
    let program = program.map(Path::new).find(|path| path.exists());
    let program = program.ok_or("there is no program `true`")?;
    fs::copy(program, &copy).map_err(to_text)?;
    let this = std::env::current_exe().map_err(to_text)?;
    let run = |program: PathBuf| {
        move || {
            let mut command = Command::new(&program);
            command.env(WHAT, "nothing").stdout(Stdio::null());
            command.status()
        }
    };
    let attempts = vec![
        attempt("a program of the system", run(program.to_owned())),
        attempt("a program in a writable folder", run(copy)),
        attempt("this program", run(this)),
    ];
    refused(&sandbox_of(root), attempts)
}

fn links(root: &Path) -> Outcome {
    let link = |name: &str, target: &str| -> Result<PathBuf, String> {
        let link = root.join("work").join(name);
        std::os::unix::fs::symlink(target, &link).map_err(to_text)?;
        Ok(link)
    };
    let file = link("file", "../outside/secret")?;
    let folder = link("folder", "../outside")?;
    let machine = link("machine", "/")?;
    let attempts = vec![
        attempt("a link to a file", move || fs::read(&file)),
        attempt("a link to a folder", move || {
            fs::read(folder.join("secret"))
        }),
        attempt("a link to everything", move || {
            fs::read(machine.join("etc/passwd"))
        }),
    ];
    refused(&sandbox_of(root), attempts)
}

/// Connects to a port that is not granted, and listens on a port. The row listens on the
/// granted port.
fn ports() -> Outcome {
    let port = std::env::var(PORT).ok().and_then(|port| port.parse().ok());
    let port: u16 = port.ok_or("no port is named")?;
    let connect = move || TcpStream::connect(("127.0.0.1", port));
    let other = TcpListener::bind("127.0.0.1:0").map_err(to_text)?;
    let other_port = other.local_addr().map_err(to_text)?.port();
    let attempts = vec![
        attempt("connect to another port", move || {
            TcpStream::connect(("127.0.0.1", other_port))
        }),
        attempt("listen", || TcpListener::bind("127.0.0.1:47112")),
    ];
    let grants = network(&[format!("127.0.0.1:{port}")])?;
    refused(&Sandbox::new().grants(&grants), attempts)?;
    let granted = thread::spawn(connect).join();
    let granted = granted.map_err(|_| "it panicked".to_owned())?;
    granted.map_err(|error| format!("the granted port: {error}"))?;
    // A narrower restriction: no network.
    restrict_again(&Sandbox::new())?;
    match connect() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => Err(format!("the granted port, without a grant: {other:?}")),
    }
}

fn restrict_again(sandbox: &Sandbox) -> Outcome {
    let status = sandbox.restrict_current_thread();
    status.map(drop).map_err(to_text)
}

/// The process makes the abstract socket before the restriction, so the socket
/// belongs to another domain.
fn scopes() -> Outcome {
    if !Sandbox::supported().scopes {
        return Ok(());
    }
    let name = format!("kumiki-probe-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(name).map_err(to_text)?;
    let _listener = UnixListener::bind_addr(&address).map_err(to_text)?;
    let parent = rustix::process::getppid().ok_or("there is no parent")?;
    let attempts = vec![
        attempt("connect to an abstract socket", move || {
            UnixStream::connect_addr(&address)
        }),
        attempt("a signal to the parent", move || {
            Ok(rustix::process::test_kill_process(parent)?)
        }),
    ];
    refused(&Sandbox::new(), attempts)
}

/// Opens a file whenever a plugin logs: in a host function.
#[derive(Clone)]
struct Spy {
    secret: PathBuf,
    found: Arc<Mutex<Vec<bool>>>,
}

impl Observer for Spy {
    fn log(&self, _: &LogRecord<'_>) {
        let is_open = fs::File::open(&self.secret).is_ok();
        if let Ok(mut found) = self.found.lock() {
            found.push(is_open);
        }
    }
}

/// Follows the order of `kumiki run`: the host, the first restriction, the plugin, the
/// second restriction, and then instances on other threads.
fn host_functions(root: &Path) -> Outcome {
    let spy = Spy {
        secret: root.join("outside/secret"),
        found: Arc::default(),
    };
    let host = TextHost::builder().observer(spy.clone()).build();
    let host = host.map_err(to_text)?;
    let guest = attacker("(call $log (i32.const 3) (i32.const 64) (i32.const 4))").build();
    fs::File::open(&spy.secret).map_err(to_text)?;
    restrict(&sandbox_of(root))?;
    let plugin = host.load_bytes("logs.wasm", &guest);
    let plugin = plugin.map_err(to_text)?;
    restrict_again(&Sandbox::for_changes().write(root.join("work")))?;
    let first = TextPlugin::new(plugin, Config::default());
    let first = first.map_err(to_text)?;
    let mut all = vec![first.sibling(), first.sibling(), first.sibling(), first];
    thread::scope(|scope| {
        for plugin in &mut all {
            scope.spawn(|| plugin.process("attack").map(drop));
        }
    });
    for plugin in &mut all {
        let answered = plugin.process("attack").map(drop);
        answered.map_err(to_text)?;
    }
    let found = spy.found.lock().map_err(to_text)?;
    match found.len() == 8 && found.iter().all(|is_open| !is_open) {
        true => Ok(()),
        false => Err(format!("opened: {found:?}")),
    }
}

/// Both folders are granted to plugins, and opened before the restriction, which allows
/// only one of them. The other folder stays open, but its files cannot be opened.
fn guest_files(root: &Path, is_restricted: bool) -> Outcome {
    fs::write(root.join("work/secret"), "").map_err(to_text)?;
    let host = TextHost::new().map_err(to_text)?;
    let guest = host.load_bytes("opener.wasm", &opener().build());
    let guest = guest.map_err(to_text)?;
    let plugin = |folder: &str| {
        let folder = FolderGrant::read_only(root.join(folder), "/data");
        let plugin = guest.with_grants(&Grants::default().with_folder(folder));
        plugin.map_err(to_text)
    };
    let (inside, outside) = (plugin("work")?, plugin("outside")?);
    if is_restricted {
        restrict_again(&sandbox_of(root))?;
    }
    let open = |plugin: &Plugin<TextContract>| {
        let plugin = TextPlugin::new(plugin.clone(), Config::default());
        let answer = plugin.and_then(|mut plugin| plugin.process(""));
        answer.map(|result| result.output).map_err(to_text)
    };
    let first = [open(&inside)?, open(&outside)?];
    let later = thread::scope(|scope| {
        let later = scope.spawn(|| Ok::<_, String>([open(&inside)?, open(&outside)?]));
        later.join().unwrap_or_else(|_| Err("it panicked".into()))
    });
    let expected = match is_restricted {
        true => ["open", "shut"],
        false => ["open", "open"],
    };
    match first == expected && later.as_ref().is_ok_and(|later| *later == expected) {
        true => Ok(()),
        false => Err(format!("{first:?} {later:?}")),
    }
}
