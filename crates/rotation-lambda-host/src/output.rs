//! What the processes print.

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use tokio::sync::watch;

use crate::sync::lock;

/// Written into a process's own pipe behind what the process wrote: once it has come out at the
/// other end, so has everything before it. Shorter than a pipe's atomic write.
const MARK: &[u8] = b"\0rotation-lambda-host has read everything up to here\0\n";

/// Whoever wants to hear of each line while the function runs.
pub(crate) type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// What all processes of a function printed, line by line.
#[derive(Clone, Default)]
pub(crate) struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    listener: Option<Listener>,
}

/// Where one process prints: stdout and stderr are one pipe, so that their lines stay in order.
pub(crate) struct Tap {
    writer: PipeWriter,
    marks: watch::Receiver<u64>,
}

impl Output {
    pub(crate) fn new(listener: Option<Listener>) -> Self {
        Self {
            listener,
            ..Self::default()
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.bytes)).into_owned()
    }

    /// A new pipe into this output, read by a thread that ends with the pipe's last writer.
    pub(crate) fn tap(&self) -> io::Result<Tap> {
        let (reader, writer) = io::pipe()?;
        let (marked, marks) = watch::channel(0);
        let output = self.clone();
        thread::Builder::new()
            .name("lambda-output".to_owned())
            .spawn(move || output.read(reader, &marked))?;
        Ok(Tap { writer, marks })
    }

    fn read(&self, pipe: PipeReader, marked: &watch::Sender<u64>) {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            match line.strip_suffix(MARK) {
                Some(unfinished) => {
                    self.push(unfinished);
                    marked.send_modify(|marks| *marks += 1);
                }
                None => self.push(&line),
            }
            line.clear();
        }
    }

    fn push(&self, bytes: &[u8]) {
        lock(&self.bytes).extend_from_slice(bytes);
        if let Some(listener) = &self.listener
            && !bytes.is_empty()
        {
            listener(&String::from_utf8_lossy(bytes));
        }
    }
}

impl Tap {
    /// Another end to write into, for the process.
    pub(crate) fn writer(&self) -> io::Result<PipeWriter> {
        self.writer.try_clone()
    }

    /// Waits until everything that was printed before this call stands in the output.
    pub(crate) async fn drain(&self) {
        let mut marks = self.marks.clone();
        let before = *marks.borrow_and_update();
        // Blocks no longer than the reading thread needs to make room.
        if (&self.writer).write_all(MARK).is_ok() {
            _ = marks.wait_for(|&marks| marks > before).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_drain_ends_when_everything_before_it_was_read() {
        let output = Output::default();
        let tap = output.tap().unwrap();
        let mut expected = String::new();
        for round in 0..50 {
            let printed = format!("line {round}\n{}", "unfinished ".repeat(2000));
            tap.writer().unwrap().write_all(printed.as_bytes()).unwrap();
            expected += &printed;
            tap.drain().await;
            assert!(output.text() == expected, "round {round}");
        }
    }
}
