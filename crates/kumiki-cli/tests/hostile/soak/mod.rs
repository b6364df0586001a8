//! The soak test: well-behaved and hostile plugins run in one process for minutes, each
//! on its own thread. Every result must be correct, every attack must have its expected
//! outcome, and the resources of the process must not grow.
//!
//! `cargo xtask soak` runs it.

mod good;
mod level;
mod player;

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use self::level::Levels;
use self::player::{Player, Work};

/// The rows whose guests attack in the soak test.
const ATTACKERS: [&str; 15] = [
    "endless loop",
    "endless flood of standard output",
    "sleep for an hour",
    "trap in process",
    "recursion without end",
    "memory grown without end",
    "20,000 handles",
    "output of 20 MB",
    "output of invalid UTF-8",
    "10 MB of log in 10,000 records",
    "2,000 files opened",
    "2,000 files opened and closed",
    "2,000 TCP sockets",
    "2,000 UDP sockets",
    "a file written beyond check-write",
];

/// The maximum time for the last calls to end.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The interval between the lines about the resources.
const PROGRESS: Duration = Duration::from_secs(30);

/// The duration of the soak test, if `KUMIKI_SOAK_MINUTES` is set.
pub(crate) fn requested_time() -> Option<Duration> {
    let minutes = std::env::var("KUMIKI_SOAK_MINUTES").ok()?;
    let minutes: f64 = minutes.parse().expect("KUMIKI_SOAK_MINUTES is a number");
    Some(Duration::try_from_secs_f64(minutes * 60.0).expect("a valid duration"))
}

/// Runs the soak test, prints a report, and returns the exit code.
pub(crate) fn run(time: Duration) -> i32 {
    let work = match work() {
        Ok(work) => work,
        Err(fact) => {
            print(&format!("error: {fact}\n"));
            return 1;
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    let (ended, ends) = mpsc::channel();
    let start = |work: Work| {
        let player = Arc::new(Player::new(&work));
        let (stop, ended, of_thread) = (stop.clone(), ended.clone(), player.clone());
        thread::spawn(move || {
            of_thread.play(work, &stop);
            ended.send(())
        });
        player
    };
    let players: Vec<_> = work.into_iter().map(start).collect();
    wait_for(&players);
    let levels = watch(time, &players);

    stop.store(true, Ordering::Relaxed);
    let deadline = Instant::now() + TIMEOUT;
    let mut faults = levels.faults();
    let left = || deadline.saturating_duration_since(Instant::now());
    let ended = players
        .iter()
        .take_while(|_| ends.recv_timeout(left()).is_ok());
    if ended.count() < players.len() {
        faults.push(format!("a plugin has not ended after {TIMEOUT:?}"));
    }
    faults.extend(players.iter().flat_map(|player| player.new_faults()));
    faults.extend(players.iter().filter_map(|player| player.verdict()));
    print(&report(&players, &levels, &faults));
    i32::from(!faults.is_empty())
}

/// The work of all threads, created before anything is measured.
fn work() -> Result<Vec<Work>, String> {
    let mut work = good::plugins()?;
    for case in crate::rows::cases() {
        if ATTACKERS.contains(&case.name()) {
            work.extend(case.into_attacker().map(Box::new).map(Work::Attack));
        }
    }
    let expected = good::COUNT + ATTACKERS.len();
    if work.len() != expected {
        return Err(format!("{} plugins instead of {expected}", work.len()));
    }
    Ok(work)
}

/// Waits until each plugin has been called, and so is compiled.
fn wait_for(players: &[Arc<Player>]) {
    let start = Instant::now();
    let all_called = || players.iter().all(|player| player.calls() > 0);
    while !all_called() && start.elapsed() < TIMEOUT {
        thread::sleep(Duration::from_millis(10));
    }
    let (count, time) = (players.len(), start.elapsed());
    print(&format!("{count} plugins started after {time:.1?}\n"));
}

/// Measures the process every second, and prints its resources every [`PROGRESS`].
fn watch(time: Duration, players: &[Arc<Player>]) -> Levels {
    let (start, mut levels) = (Instant::now(), Levels::new(time));
    let mut next = Duration::ZERO;
    while start.elapsed() < time {
        thread::sleep(Duration::from_secs(1).min(time - start.elapsed().min(time)));
        let level = levels.look(start.elapsed());
        let faults = players.iter().flat_map(|player| player.new_faults());
        faults.for_each(|fact| print(&format!("FAULT: {fact}\n")));
        if start.elapsed() >= next {
            let calls: u64 = players.iter().map(|player| player.calls()).sum();
            let failures: u64 = players.iter().map(|player| player.failures()).sum();
            let seconds = start.elapsed().as_secs();
            print(&format!(
                "{seconds:>5} s: {level}; {calls} calls, {failures} failures\n"
            ));
            next += PROGRESS;
        }
    }
    levels
}

fn report(players: &[Arc<Player>], levels: &Levels, faults: &[String]) -> String {
    let mut text = format!(
        "\n{:34} {:>12} {:>9}  expected\n",
        "plugin", "calls", "failures"
    );
    for player in players {
        text += &format!(
            "{:34} {:>12} {:>9}  {}\n",
            player.name,
            player.calls(),
            player.failures(),
            player.expected
        );
    }
    text += &levels.to_string();
    for fault in faults {
        text += &format!("FAULT: {fault}\n");
    }
    text += &match faults.len() {
        0 => "no faults\n".to_owned(),
        count => format!("{count} faults\n"),
    };
    text
}

fn print(text: &str) {
    let mut output = std::io::stdout();
    let _ = output.write_all(text.as_bytes());
    let _ = output.flush();
}
