//! The plugin's end of the pipe.

use std::io::{self, BufReader, Read, Write as _};
use std::process::ExitCode;

use turns::Work;

pub(crate) fn run(work: &str) -> ExitCode {
    let Some(work) = Work::find(work) else {
        eprintln!("error: there is no work `{work}`");
        return ExitCode::from(2);
    };
    // The host closes the pipe to stop the plugin.
    let _ = answer(work);
    ExitCode::SUCCESS
}

fn answer(work: Work) -> io::Result<()> {
    let mut from = BufReader::with_capacity(64 << 10, io::stdin().lock());
    let mut to = io::stdout().lock();
    let (mut text, mut buffer) = (Vec::new(), Vec::new());
    loop {
        let count = number(&mut from)?;
        buffer.clear();
        for _ in 0..count {
            text.resize(number(&mut from)?, 0);
            from.read_exact(&mut text)?;
            let text = std::str::from_utf8(&text).map_err(io::Error::other)?;
            let mut log = String::new();
            let answer = work.answer(text, |line| line.clone_into(&mut log));
            buffer.extend((answer.metadata.len() as u32).to_le_bytes());
            put(&mut buffer, &log);
            put(&mut buffer, &answer.output);
            for (key, value) in &answer.metadata {
                put(&mut buffer, key);
                put(&mut buffer, value);
            }
        }
        to.write_all(&buffer)?;
        to.flush()?;
    }
}

fn number(from: &mut impl Read) -> io::Result<usize> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes) as usize)
}

fn put(buffer: &mut Vec<u8>, text: &str) {
    buffer.extend((text.len() as u32).to_le_bytes());
    buffer.extend(text.as_bytes());
}
