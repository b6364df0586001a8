//! Access of a plugin with and without each grant. The guests `reach` and `reach-0-3`, in
//! Rust, run the command in their input and return the result.

mod denials;
mod folders;
mod http;
mod reach;
mod server;
mod waits;

use std::fs;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;

use kumiki::{Clocks, Grants, Limits, Randomness, VariableGrant};
use kumiki_text::{Config, TextHost, TextPlugin};
use libtest_mimic::{Arguments, Failed, Trial};
use test_components::guests::Guest;

use reach::{Reach, Watched};

/// The error of WASI for access that is not granted.
const PERMISSION_DENIED: &str = "error: PermissionDenied";
/// The error of the guest's own library for a path outside all granted folders, without
/// a call to WASI.
const NOT_FOUND: &str = "error: NotFound";

/// The same guest for WASI 0.2 and 0.3: what it reaches and what it is denied is the same.
const GUESTS: [&str; 2] = ["reach", "reach-0-3"];

type Case = fn(&Path) -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let cases: [(&str, Case); 25] = [
        ("nothing is granted", nothing),
        ("a read-only folder", folders::read_only),
        ("a writable folder", folders::read_write),
        (
            "paths do not leave a granted folder",
            folders::paths_outside,
        ),
        (
            "symbolic links of the host do not leave a granted folder",
            folders::host_links,
        ),
        (
            "links of the guest do not leave a granted folder",
            folders::guest_links,
        ),
        (
            "files do not move between read-only and writable folders",
            folders::between_folders,
        ),
        ("a folder is opened once", folders::opened_once),
        ("variables and arguments", variables_and_arguments),
        ("clocks", clocks),
        ("randomness", randomness),
        ("addresses", addresses),
        ("names", names),
        ("HTTP", http::allowed_and_denied),
        ("HTTP responses", http::responses),
        ("HTTP timeouts", http::timeouts),
        ("HTTP with large bodies", http::large_bodies),
        ("HTTP over TLS", http::tls),
        ("HTTP and the environment", http::environment),
        ("denials of writes", denials::writes),
        ("denials of paths outside", denials::paths_outside),
        (
            "denials are not reported for lookups at start",
            denials::lookups,
        ),
        ("denials in the output of the program", denials::program),
        ("grants of one plugin", one_plugin),
        ("the program's flags and file", program),
    ];
    let trials = GUESTS
        .into_iter()
        .flat_map(|guest| cases.map(|(name, case)| trial(guest, name, case)));
    let only_0_3: [(&str, Case); 3] = [
        ("waits end at the time limit", waits::time_limit),
        ("file operations at the same time", waits::many_operations),
        ("standard output", waits::standard_output),
    ];
    let only_0_3 = only_0_3.map(|(name, case)| trial("reach-0-3", name, case));
    libtest_mimic::run(&arguments, trials.chain(only_0_3).collect()).exit();
}

fn trial(guest: &'static str, name: &str, case: Case) -> Trial {
    let found = Guest::find(guest);
    let (ignored, label) = (found.is_ignored(), found.label());
    Trial::test(format!("{guest}: {name}"), move || case(found.path()?))
        .with_ignored_flag(ignored)
        .with_kind(label)
}

fn nothing(path: &Path) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let connect = format!("connect {}", listener.local_addr()?);
    Reach::new(path, Grants::default())?.expect(&[
        ("read /etc/passwd", NOT_FOUND),
        ("read Cargo.toml", NOT_FOUND),
        ("list /", NOT_FOUND),
        ("list .", NOT_FOUND),
        ("write /tmp/x x", NOT_FOUND),
        ("env PATH", "unset"),
        ("envs", ""),
        ("args", ""),
        (&connect, PERMISSION_DENIED),
        ("send 127.0.0.1:9", PERMISSION_DENIED),
        ("listen 127.0.0.1:0", PERMISSION_DENIED),
    ])
}

fn variables_and_arguments(path: &Path) -> Result<(), Failed> {
    let grants = Grants::default()
        .with_variable(VariableGrant::new("MODE", "fast = 組木")?)
        .with_variable(VariableGrant::inherited("PATH")?)
        .with_variable(VariableGrant::inherited("KUMIKI_HAS_NO_SUCH")?)
        .with_argument("one")
        .with_argument("");
    let host_path = std::env::var("PATH")?;
    Reach::new(path, grants)?.expect(&[
        ("env MODE", "fast = 組木"),
        ("env PATH", &host_path),
        ("env HOME", "unset"),
        ("envs", "MODE|PATH"),
        ("args", "one|"),
    ])
}

fn clocks(path: &Path) -> Result<(), Failed> {
    let number = |clocks: Clocks, command: &str| -> Result<u128, Failed> {
        let mut reach = Reach::new(path, Grants::default().with_clocks(clocks))?;
        Ok(reach.answer(command)?.parse()?)
    };
    let (real, coarse) = (number(Clocks::Real, "now")?, number(Clocks::Coarse, "now")?);
    let minute = 60_000_000_000;
    assert!(
        real > minute && coarse.abs_diff(real) < minute,
        "{coarse} {real}"
    );
    assert_eq!(coarse % 1_000_000, 0);
    assert_eq!(number(Clocks::Frozen, "now")?, 0);
    assert_eq!(number(Clocks::Frozen, "elapsed")?, 0);
    let step = number(Clocks::Coarse, "elapsed")?;
    assert!(step >= 1_000_000 && step % 1_000_000 == 0, "{step}");
    let step = number(Clocks::Real, "elapsed")?;
    assert!(step > 0 && step < 1_000_000, "{step}");
    Ok(())
}

fn randomness(path: &Path) -> Result<(), Failed> {
    let number = |randomness: Randomness| -> Result<String, Failed> {
        Reach::new(path, Grants::default().with_randomness(randomness))?.answer("random")
    };
    let seeded = number(Randomness::Seeded(1))?;
    assert_eq!(number(Randomness::Seeded(1))?, seeded);
    assert_ne!(number(Randomness::Seeded(2))?, seeded);
    assert_ne!(number(Randomness::Real)?, number(Randomness::Real)?);
    Ok(())
}

fn addresses(path: &Path) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // The reader may have closed the connection.
            let _ = stream.write_all(b"welcome");
        }
    });
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    let datagrams = receiver.local_addr()?;
    let (port, connect) = (address.port(), format!("connect {address}"));
    let by_name = format!("connect localhost:{port}");
    let (send, listen) = (format!("send {datagrams}"), "listen 127.0.0.1:0");
    let watched = Watched::new(path, Limits::default())?;
    for (granted, command, expected) in [
        (address.to_string(), &connect, "welcome"),
        (format!("loopback:{port}"), &connect, "welcome"),
        (format!("127.0.0.0/8:{port}"), &connect, "welcome"),
        ("loopback:1".to_owned(), &connect, PERMISSION_DENIED),
        (format!("127.0.0.2:{port}"), &connect, PERMISSION_DENIED),
        ("public:*".to_owned(), &connect, PERMISSION_DENIED),
        ("private:*".to_owned(), &connect, PERMISSION_DENIED),
        ("0.0.0.0/0:*".to_owned(), &connect, PERMISSION_DENIED),
        // A name that resolves to a loopback address.
        (format!("localhost:{port}"), &connect, PERMISSION_DENIED),
        (format!("localhost:{port}"), &by_name, PERMISSION_DENIED),
        ("loopback:*".to_owned(), &send, "done"),
        (format!("loopback:{port}"), &send, PERMISSION_DENIED),
        (
            "loopback:*".to_owned(),
            &listen.to_owned(),
            PERMISSION_DENIED,
        ),
    ] {
        let grants = Grants::default().with_network(granted.parse()?);
        let mut reach = watched.with(&grants)?;
        let answer = reach.answer(command)?;
        assert_eq!(answer, expected, "{granted}: {command}");
        let denied = watched.denials.take();
        if answer != PERMISSION_DENIED || command == listen {
            assert_eq!(denied, [""; 0], "{granted}: {command}");
            continue;
        }
        // The reported grant allows exactly this.
        let grant = denied.last().ok_or("no denial was reported")?;
        let target = if *command == send { datagrams } else { address };
        assert_eq!(*grant, target.to_string(), "{granted}: {command}");
    }
    let mut received = [0; 8];
    receiver.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    assert_eq!(receiver.recv(&mut received)?, 5);
    Ok(())
}

/// A guest can only resolve granted names, because a lookup itself can carry data out.
fn names(path: &Path) -> Result<(), Failed> {
    let watched = Watched::new(path, Limits::default())?;
    for (granted, command, expected, reported) in [
        // Names that are invalid in a grant, but valid for other software.
        (
            &["localhost:80"][..],
            "resolve bücher.example",
            PERMISSION_DENIED,
            "",
        ),
        (
            &["localhost:80"],
            "resolve %6cocalhost",
            PERMISSION_DENIED,
            "",
        ),
        (&["localhost:80"], "resolve 0x7f.1", PERMISSION_DENIED, ""),
        (
            &["localhost:80"],
            "resolve a..example",
            PERMISSION_DENIED,
            "",
        ),
        (&[], "resolve localhost", PERMISSION_DENIED, "localhost:*"),
        (
            &["localhost:80"],
            "resolve secret.example",
            PERMISSION_DENIED,
            "secret.example:*",
        ),
        (
            &["localhost:80"],
            "resolve x.localhost",
            PERMISSION_DENIED,
            "x.localhost:*",
        ),
        (
            &["public:*", "loopback:*"],
            "resolve localhost",
            PERMISSION_DENIED,
            "localhost:*",
        ),
        (&["localhost:80"], "resolve localhost", "127.0.0.1", ""),
        (&["localhost:80"], "resolve LOCALHOST", "127.0.0.1", ""),
    ] {
        let mut grants = Grants::default();
        for grant in granted {
            grants = grants.with_network(grant.parse()?);
        }
        let mut reach = watched.with(&grants)?;
        let answer = reach.answer(command)?;
        let as_expected = answer.split('|').any(|address| address == expected);
        assert!(as_expected, "{granted:?}: {command}: {answer}");
        let denied = watched.denials.take().concat();
        assert_eq!(denied, reported, "{granted:?}: {command}");
    }
    Ok(())
}

fn one_plugin(path: &Path) -> Result<(), Failed> {
    let plugin = TextHost::new()?.load(path)?;
    let grants = Grants::default().with_variable(VariableGrant::new("A", "1")?);
    let granted = plugin.with_grants(&grants)?;
    let mut one = Reach(TextPlugin::new(granted.clone(), Config::default())?);
    let mut other = Reach(TextPlugin::new(plugin, Config::default())?);
    let mut none = Reach(TextPlugin::new(
        granted.with_grants(&Grants::default())?,
        Config::default(),
    )?);
    one.expect(&[("env A", "1")])?;
    other.expect(&[("env A", "unset")])?;
    none.expect(&[("env A", "unset")])
}

fn program(path: &Path) -> Result<(), Failed> {
    let folder = folders::folders()?;
    let root = folder.path();
    fs::copy(path, root.join("reach.wasm"))?;
    fs::copy(path, root.join("again.wasm"))?;
    let file = "[all]\nenv = ['A=all', 'B=all']\n[plugin.reach]\nenv = ['A=own']\n\
                dirs = ['data::/data']\n[plugin.missing]\n";
    fs::create_dir(root.join("grants"))?;
    fs::rename(root.join("data"), root.join("grants/data"))?;
    fs::write(root.join("grants/kumiki-grants.toml"), file)?;
    let run = |arguments: &[&str], input: &str| -> Result<(Option<i32>, String, String), Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kumiki"));
        let output = command
            .current_dir(root)
            .args(["run", "-o", "raw", "-p", "reach.wasm", "-t", input])
            .args(arguments)
            .output()?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok((
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        ))
    };
    let grants = "--grants=grants/kumiki-grants.toml";
    for (arguments, input, expected) in [
        (&[][..], "read other/c", "error: NotFound\n"),
        (&["--allow-dir", "other"], "read other/c", "C\n"),
        (&["--allow-dir", "./other"], "read other/c", "C\n"),
        (
            &["--allow-dir", "other::/x:ro"],
            "write /x/c D",
            "error: PermissionDenied\n",
        ),
        (&["--allow-dir", "other::/x:rw"], "write /x/c D", "done\n"),
        (&["--allow-env", "A=1", "--allow-env", "B"], "envs", "A\n"),
        (&["--allow-arg", "-x", "--allow-arg=y"], "args", "-x|y\n"),
        (&["--clocks", "frozen"], "now", "0\n"),
        (&[grants], "read /data/a", "A\n"),
        (&[grants], "env A", "own\n"),
        (&[grants, "-p", "again.wasm"], "env A", "own\nall\n"),
        (&[grants, "-p", "again.wasm"], "env B", "all\nall\n"),
        (&[grants, "--allow-env", "A=flag"], "env A", "flag\n"),
    ] {
        let (code, output, errors) = run(arguments, input)?;
        assert_eq!(
            (code, &*output),
            (Some(0), expected),
            "{arguments:?} {input}: {errors}"
        );
    }
    let (_, _, errors) = run(&[grants], "args")?;
    assert!(
        errors.contains("the grants of `missing` match no plugin"),
        "{errors}"
    );

    let (code, _, errors) = run(&["--allow-net", "loopback:1"], "connect 127.0.0.1:9")?;
    let notice = "was denied the network; to allow it: `--allow-net 127.0.0.1:9`";
    assert_eq!(
        (code, errors.matches(notice).count()),
        (Some(0), 1),
        "{errors}"
    );

    // The guest gets what it requested and was allowed.
    let requests = b"[dirs]\n'/other:rw' = ''\n[env]\nPATH = ''";
    let asking = test_components::with_section(&fs::read(path)?, "kumiki-requests", requests);
    fs::write(root.join("reach.wasm"), asking)?;
    let (code, output, errors) = run(&[], "envs")?;
    assert_eq!((code, &*output), (Some(2), ""), "{errors}");
    for (input, expected) in [
        ("envs", "PATH\n"),
        ("write /other/c E", "done\n"),
        ("read /other/c", "E\n"),
        ("read /data/a", "error: NotFound\n"),
    ] {
        let (code, output, errors) = run(&["--allow-requested"], input)?;
        assert_eq!((code, &*output), (Some(0), expected), "{input}: {errors}");
    }

    fs::write(root.join("faulty.toml"), "[all]\n\nports = []\n")?;
    for (arguments, expected) in [
        (
            ["--allow-dir", "nowhere:rw"],
            "there is no folder `nowhere`",
        ),
        (["--allow-dir", "other:wr"], "neither `ro` nor `rw`"),
        (["--allow-net", "localhost"], "there is no port"),
        (["--allow-env", "=x"], "the name is empty"),
        (["--clocks", "slow"], "`real`, `coarse` or `frozen`"),
        (
            ["--grants", "faulty.toml"],
            "`faulty.toml`, line 3: unknown field `ports`",
        ),
        (["--grants", "missing.toml"], "`missing.toml`: "),
    ] {
        let (code, output, errors) = run(&arguments, "args")?;
        assert_eq!((code, &*output), (Some(2), ""), "{arguments:?}");
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    }
    Ok(())
}
