//! Requests through `wasi:http` to a local test server.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kumiki::{Error, Grants, Limit, Limits};
use libtest_mimic::Failed;

use crate::reach::{Reach, Watched};
use crate::server;

const DENIED: &str = "error: ErrorCode::HttpRequestDenied";

fn granted(grants: &[String]) -> Result<Grants, Failed> {
    let mut all = Grants::default();
    for grant in grants {
        all = all.with_network(grant.parse()?);
    }
    Ok(all)
}

pub(crate) fn allowed_and_denied(path: &Path) -> Result<(), Failed> {
    let address = server::plain()?;
    let port = address.port();
    let by_address = format!("get http://{address}/");
    let by_name = format!("get http://localhost:{port}/");
    let (name, loopback) = (format!("localhost:{port}"), format!("loopback:{port}"));
    let exactly = address.to_string();
    let welcome = "200 7 welcome";
    let of = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let cases: Vec<(Vec<String>, &str, &str, &str)> = vec![
        (of(&[]), &by_address, DENIED, &exactly),
        (of(&[]), &by_name, DENIED, &name),
        (of(&[&exactly]), &by_address, welcome, ""),
        (of(&[&loopback]), &by_address, welcome, ""),
        (of(&["127.0.0.0/8:*"]), &by_address, welcome, ""),
        (of(&["127.0.0.1:1"]), &by_address, DENIED, &exactly),
        (
            of(&["public:*", "private:*"]),
            &by_address,
            DENIED,
            &exactly,
        ),
        (of(&["0.0.0.0/0:*"]), &by_address, DENIED, &exactly),
        // A lookup sends the name to other machines, so it needs a grant, too.
        (of(&[&loopback]), &by_name, DENIED, &name),
        (of(&["localhost:1", &loopback]), &by_name, welcome, ""),
        (of(&[&name, &loopback]), &by_name, welcome, ""),
        (of(&[&name, "loopback:1"]), &by_name, DENIED, "loopback"),
        // A name that resolves to a loopback address.
        (of(&[&name]), &by_name, DENIED, "loopback"),
        // A grant of a name does not allow requests to its address.
        (of(&[&name]), &by_address, DENIED, &exactly),
        (
            of(&["loopback:*"]),
            "get http://[::1]:1/",
            "error: ErrorCode::ConnectionRefused",
            "",
        ),
        (of(&[]), "get http://[::1]:1/", DENIED, "[::1]:1"),
        (
            of(&[]),
            "get http://[::ffff:127.0.0.1]:1/",
            DENIED,
            "127.0.0.1:1",
        ),
        (
            of(&[]),
            "get http://169.254.169.254/",
            DENIED,
            "169.254.169.254:80",
        ),
        (
            of(&[]),
            "get https://api.example.com/",
            DENIED,
            "api.example.com:443",
        ),
        (
            of(&["api.example.com:80"]),
            "get http://API.example.com.evil.example/",
            DENIED,
            "api.example.com.evil.example:80",
        ),
        // Names that are invalid in a grant, but valid for other software.
        (of(&["loopback:*"]), "get http://0x7f.1:1/", DENIED, ""),
        (of(&["loopback:*"]), "get http://2130706433:1/", DENIED, ""),
        (of(&["loopback:*"]), "get http://loopback:1/", DENIED, ""),
        (
            of(&[&loopback]),
            "get http://x@127.0.0.1:1/",
            "error: ErrorCode::HttpRequestUriInvalid",
            "",
        ),
    ];
    let watched = Watched::new(path, Limits::default())?;
    for (grants, command, expected, reported) in cases {
        let mut reach = watched.with(&granted(&grants)?)?;
        assert_eq!(reach.answer(command)?, expected, "{grants:?}: {command}");
        let mut denied = watched.denials.take().join(" ");
        if reported == "loopback" {
            let of_loopback = [exactly.clone(), format!("[::1]:{port}")];
            assert!(
                of_loopback.contains(&denied),
                "{grants:?}: {command}: {denied}"
            );
            denied = reported.to_owned();
        }
        assert_eq!(denied, reported, "{grants:?}: {command}");
    }
    Ok(())
}

pub(crate) fn responses(path: &Path) -> Result<(), Failed> {
    let address = server::plain()?;
    let closed_port = {
        // A port that nothing listens on.
        TcpListener::bind("127.0.0.1:0")?.local_addr()?
    };
    let mut reach = Reach::new(path, granted(&["loopback:*".to_owned()])?)?;
    let request = format!("post /echo http/1.1|{address}|hello");
    let sent = format!("200 {} {request}", request.len());
    // A truncated body: wasmtime 48 gives guests for WASI 0.2 no error code for it.
    let truncated = match path.ends_with("reach.wasm") {
        true => "error: ErrorCode::InternalError(None)",
        false => "error: ErrorCode::HttpProtocolError",
    };
    for (command, expected) in [
        (format!("post http://{address}/echo hello"), &*sent),
        (
            format!("get http://{address}/gone"),
            "error: ErrorCode::HttpResponseIncomplete",
        ),
        // The guest follows a redirect itself, under the same grants.
        (format!("get http://{address}/elsewhere"), "302 0 "),
        (format!("get http://{address}/cut"), truncated),
        (
            format!("get http://{address}/nonsense"),
            "error: ErrorCode::HttpProtocolError",
        ),
        // More headers than usual: only a bounded number is read.
        (
            format!("get http://{address}/headers"),
            "error: ErrorCode::HttpProtocolError",
        ),
        (
            format!("get http://{closed_port}/"),
            "error: ErrorCode::ConnectionRefused",
        ),
        (
            format!("get http://{address}/silence 50000000"),
            "error: ErrorCode::ConnectionReadTimeout",
        ),
        (format!("get http://{address}/"), "200 7 welcome"),
    ] {
        assert_eq!(reach.answer(&command)?, expected, "{command}");
    }
    Ok(())
}

/// The time limit of the call applies to every request that hangs.
pub(crate) fn timeouts(path: &Path) -> Result<(), Failed> {
    let address = server::plain()?;
    let time = Duration::from_millis(300);
    let limits = Limits::default().with_time(time);
    let mut reach = Watched::new(path, limits)?.with(&granted(&["loopback:*".to_owned()])?)?;
    for hanging in [
        format!("get http://{address}/silence"),
        format!("get http://{address}/half"),
        // TLS with a server that does not speak it.
        format!("get https://{address}/"),
    ] {
        let start = Instant::now();
        let error = reach
            .0
            .process(&hanging)
            .err()
            .ok_or("it returned a result")?;
        let elapsed = start.elapsed();
        assert!(
            matches!(
                error,
                kumiki_text::Error::Host(Error::Limit {
                    limit: Limit::Time(_),
                    ..
                })
            ),
            "{hanging}: {error}"
        );
        assert!(
            elapsed >= time && elapsed < time * 10,
            "{hanging}: {elapsed:?}"
        );
        assert_eq!(
            reach.answer(&format!("get http://{address}/"))?,
            "200 7 welcome"
        );
    }
    Ok(())
}

/// A body larger than the memory of the guest is streamed through it.
pub(crate) fn large_bodies(path: &Path) -> Result<(), Failed> {
    let address = server::plain()?;
    let limits = Limits::default().with_memory(server::LARGE / 16);
    let mut reach = Watched::new(path, limits)?.with(&granted(&["loopback:*".to_owned()])?)?;
    let answer = reach.answer(&format!("get http://{address}/large"))?;
    assert_eq!(answer, format!("200 {} ", server::LARGE));
    Ok(())
}

pub(crate) fn tls(path: &Path) -> Result<(), Failed> {
    let (address, certificate) = server::secure("localhost")?;
    let port = address.port();
    let mut reach = Reach::new(
        path,
        granted(&["loopback:*".to_owned(), "localhost:*".to_owned()])?,
    )?;
    let untrusted = "error: ErrorCode::TlsCertificateError";
    assert_eq!(
        reach.answer(&format!("get https://localhost:{port}/"))?,
        untrusted
    );
    // Plain HTTP fails on a TLS port.
    let answer = reach.answer(&format!("get http://localhost:{port}/"))?;
    assert!(answer.starts_with("error: "), "{answer}");

    // Certificates that the machine trusts are trusted, for the certified name.
    let folder = tempfile::tempdir()?;
    let trusted = folder.path().join("trusted.pem");
    fs::write(&trusted, certificate)?;
    for (host, expected) in [("localhost", "200 7 welcome"), ("127.0.0.1", untrusted)] {
        let output = kumiki(path, &format!("get https://{host}:{port}/"))
            .args(["--allow-net", "loopback:*", "--allow-net", "localhost:*"])
            .env("SSL_CERT_FILE", &trusted)
            .output()?;
        assert_eq!(
            String::from_utf8(output.stdout)?.trim_end(),
            expected,
            "{host}"
        );
    }
    Ok(())
}

/// The program reports which grant to give, and uses no proxy.
pub(crate) fn environment(path: &Path) -> Result<(), Failed> {
    let address = server::plain()?;
    let command = format!("get http://{address}/");
    let output = kumiki(path, &command).output()?;
    let (stdout, stderr) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    let line = format!("was denied the network; to allow it: `--allow-net {address}`\n");
    assert_eq!(
        (stdout.trim_end(), stderr.matches(&line).count()),
        (DENIED, 1),
        "{stderr}"
    );

    let output = kumiki(path, &command)
        .arg(format!("--allow-net={address}"))
        .envs(["http_proxy", "HTTP_PROXY", "all_proxy"].map(|name| (name, "http://127.0.0.1:1")))
        .output()?;
    assert_eq!(String::from_utf8(output.stdout)?, "200 7 welcome\n");
    Ok(())
}

fn kumiki(path: &Path, input: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kumiki"));
    command
        .args(["run", "-o", "raw", "-t", input, "-p"])
        .arg(path);
    command
}
