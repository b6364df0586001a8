//! Reaches on command for what it may not have been granted, for the tests of
//! the host. The output is what came of it: what was read, `done`, or `error: `
//! and the kind of error that WASI gave.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::{Instant, SystemTime};

use kumiki_plugin::{Output, Plugin, ProcessError};

mod request;

struct Reach;

impl Plugin for Reach {
    const NAME: &'static str = "reach";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn process(input: &str) -> Result<Output, ProcessError> {
        let words: Vec<_> = input.split(' ').collect();
        let answer = obey(&words).ok_or(ProcessError::InvalidInput)?;
        Ok(Output::new(answer.unwrap_or_else(|error| {
            format!("error: {:?}", error.kind())
        })))
    }
}

/// Runs one command. Returns `None` if there is no such command.
fn obey(words: &[&str]) -> Option<io::Result<String>> {
    Some(match words {
        ["read", path] => fs::read_to_string(path),
        ["write", path, text] => done(fs::write(path, text)),
        ["append", path, text] => done(append(path, text)),
        ["truncate", path] => done(truncate(path)),
        ["remove", path] => done(fs::remove_file(path)),
        ["clear", path] => done(fs::remove_dir_all(path)),
        ["list", path] => list(path),
        ["make", path] => done(fs::create_dir(path)),
        ["rename", from, to] => done(fs::rename(from, to)),
        ["link", from, to] => done(fs::hard_link(from, to)),
        #[expect(deprecated, reason = "the one way to a symbolic link in stable Rust")]
        ["symlink", target, link] => done(fs::soft_link(target, link)),
        ["env", name] => Ok(std::env::var(name).unwrap_or_else(|_| "unset".into())),
        ["envs"] => Ok(joined(std::env::vars().map(|(name, _)| name))),
        ["args"] => Ok(joined(std::env::args())),
        ["connect", address] => connect(address),
        ["send", address] => done(send(address)),
        ["listen", address] => done(TcpListener::bind(address).map(drop)),
        ["resolve", name] => resolve(name),
        ["get", url] => Ok(request::fetch(url, None, None)),
        ["get", url, nanoseconds] => Ok(request::fetch(url, None, nanoseconds.parse().ok())),
        ["post", url, text] => Ok(request::fetch(url, Some(text), None)),
        ["now"] => Ok(now().to_string()),
        ["elapsed"] => Ok(elapsed().to_string()),
        ["random"] => Ok(RandomState::new().hash_one(0).to_string()),
        _ => return None,
    })
}

fn done<T>(result: io::Result<T>) -> io::Result<String> {
    result.map(|_| "done".into())
}

fn joined(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join("|")
}

fn append(path: &str, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn truncate(path: &str) -> io::Result<()> {
    let file = fs::OpenOptions::new().write(true).open(path)?;
    file.set_len(0)
}

fn list(path: &str) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names.join("|"))
}

/// What whoever answers at an address says first.
fn connect(address: &str) -> io::Result<String> {
    let mut text = String::new();
    TcpStream::connect(address)?.read_to_string(&mut text)?;
    Ok(text)
}

fn send(address: &str) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.send_to(b"hello", address).map(drop)
}

fn resolve(name: &str) -> io::Result<String> {
    let addresses = (name, 0).to_socket_addrs()?;
    Ok(joined(
        addresses.map(|address: SocketAddr| address.ip().to_string()),
    ))
}

/// Nanoseconds since 1970.
fn now() -> u128 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.as_nanos())
}

/// Nanoseconds between the first two different readings of a clock, or 0 when
/// a million are the same.
fn elapsed() -> u128 {
    let start = Instant::now();
    (0..1_000_000)
        .map(|_| start.elapsed().as_nanos())
        .find(|elapsed| *elapsed > 0)
        .unwrap_or(0)
}

kumiki_plugin::export!(Reach);
