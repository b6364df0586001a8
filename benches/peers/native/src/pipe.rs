//! A separate process for the plugin, connected by pipes: isolation by the operating
//! system. Both ends send all texts of a call in one write.

use std::hint::black_box;
use std::io::{BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use turns::{Answer, Row, Set, Turn, Work, input, repeat, side_by_side};

#[derive(Clone, Copy)]
pub(crate) enum Program {
    Native,
    Python,
}

pub(crate) fn set_up(row: &Row, program: Program) -> Result<Set, String> {
    let (work, texts) = (row.work, vec![input(row.size); row.count]);
    let text = texts.first().cloned().unwrap_or_default();
    let mut plugin = Plugin::start(program, work)?;
    let digest = plugin.ask_one(&text)?.digest();
    let turn: Turn = match row.kind.as_str() {
        "call" | "many" => repeat(row.count, move || {
            drop(black_box(
                plugin.ask(black_box(&texts)).expect("an answer to each"),
            ));
        }),
        // For a call without state of the previous one, start a new process.
        "fresh" | "first" => side_by_side(row.count, move |until| {
            until.each(|| {
                let mut plugin = Plugin::start(program, work).expect("a process");
                drop(black_box(plugin.ask_one(&text).expect("an answer")));
            });
        }),
        kind => return Err(format!("it has no `{kind}`")),
    };
    Ok(Set::new(digest, turn))
}

struct Plugin {
    process: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    buffer: Vec<u8>,
    log_bytes: usize,
}

impl Plugin {
    fn start(program: Program, work: Work) -> Result<Self, String> {
        let mut command = command(program, work)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let spawned = command.spawn();
        let mut process = spawned.map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let (Some(to), Some(from)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("the process has no pipes".to_owned());
        };
        Ok(Self {
            process,
            to: Some(to),
            from: BufReader::with_capacity(64 << 10, from),
            buffer: Vec::new(),
            log_bytes: 0,
        })
    }

    fn ask_one(&mut self, text: &str) -> Result<Answer, String> {
        let mut answers = self.ask(&[text.to_owned()])?;
        answers.pop().ok_or_else(|| "no answer".to_owned())
    }

    fn ask(&mut self, texts: &[String]) -> Result<Vec<Answer>, String> {
        self.buffer.clear();
        put(&mut self.buffer, texts.len());
        for text in texts {
            put(&mut self.buffer, text.len());
            self.buffer.extend(text.as_bytes());
        }
        let to = self.to.as_mut().ok_or("the pipe is closed")?;
        to.write_all(&self.buffer)
            .map_err(|error| error.to_string())?;
        texts.iter().map(|_| self.answer()).collect()
    }

    /// The log message, the output, and the metadata.
    fn answer(&mut self) -> Result<Answer, String> {
        let mut answer = Answer::default();
        let entries = self.number()?;
        self.log_bytes += self.text()?.len();
        answer.output = self.text()?;
        for _ in 0..entries {
            answer.metadata.push((self.text()?, self.text()?));
        }
        Ok(answer)
    }

    fn number(&mut self) -> Result<usize, String> {
        let mut bytes = [0; 4];
        let read = self.from.read_exact(&mut bytes);
        read.map_err(|error| format!("the plugin said nothing: {error}"))?;
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    fn text(&mut self) -> Result<String, String> {
        let mut bytes = vec![0; self.number()?];
        let read = self.from.read_exact(&mut bytes);
        read.map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // It exits at the end of its input.
        drop(self.to.take());
        let _ = self.process.wait();
    }
}

fn put(buffer: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    buffer.extend(number.to_le_bytes());
}

fn command(program: Program, work: Work) -> Result<Command, String> {
    match program {
        Program::Native => {
            let own = std::env::current_exe().map_err(|error| error.to_string())?;
            let mut command = Command::new(own);
            command.args(["plugin", work.name()]);
            Ok(command)
        }
        Program::Python => {
            let scripts = std::env::var("KUMIKI_BENCH_PEERS").unwrap_or_default();
            let guests = std::env::var("KUMIKI_BENCH_GUESTS").unwrap_or_default();
            let mut command = Command::new("python3");
            command
                .arg(format!("{scripts}/native/plugin.py"))
                .args([work.name(), &guests]);
            Ok(command)
        }
    }
}
