//! What a process holds, as Linux tells it.

use std::fmt;
use std::fs;
use std::time::Duration;

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// Resident memory.
    pub(crate) kib: usize,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

impl Measure {
    /// Of the process with this id, or `self`.
    pub(crate) fn of(process: &str) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        let count = |folder: &str| fs::read_dir(format!("/proc/{process}/{folder}")).unwrap().count();
        Self {
            kib: kib.trim().trim_end_matches(" kB").parse().unwrap(),
            descriptors: count("fd"),
            threads: count("task"),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kib,
            descriptors,
            threads,
        } = self;
        write!(
            f,
            "{kib:>8} KiB {descriptors:>4} descriptors {threads:>3} threads"
        )
    }
}

/// The one process that has `NAME=value` in its environment.
pub(crate) fn process_with(variable: &str) -> String {
    let has = |process: &String| {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        environment
            .split(|&byte| byte == 0)
            .any(|entry| entry == variable.as_bytes())
    };
    let names = fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let processes = names.filter_map(|name| name.into_string().ok());
    let found: Vec<_> = processes.filter(has).collect();
    assert_eq!(found.len(), 1, "processes with {variable}: {found:?}");
    found.concat()
}

/// A line of the table.
pub(crate) fn print_round(round: usize, rotations: usize, took: Duration, measures: &[Measure]) {
    let each = took.as_secs_f64() * 1000.0 / rotations as f64;
    let seconds = took.as_secs_f64();
    let measured: Vec<_> = measures.iter().map(ToString::to_string).collect();
    println!(
        "round {round:>2}: {rotations} rotations {seconds:>6.1} s, {each:>5.1} ms each; {}",
        measured.join(" | ")
    );
}

/// By how many bytes memory may grow with each invocation. It is about 150: the runtime client puts the trace id into
/// the environment, and the C library keeps what was there before.
const PER_INVOCATION: usize = 512;

/// By how many descriptors a process may have more at one moment than at another: connections that wait for their next
/// request are closed after a while.
const WAITING: usize = 4;

/// What a process held after the second round is what it holds after the last.
pub(crate) fn is_flat(rounds: &[Measure], invocations: usize) {
    let (second, last) = (rounds[1], rounds[rounds.len() - 1]);
    assert!(
        last.descriptors <= second.descriptors + WAITING,
        "descriptors grow: {rounds:#?}"
    );
    assert!(last.threads <= second.threads, "threads grow: {rounds:#?}");
    let grown = last.kib.saturating_sub(second.kib) * 1024 / (invocations * (rounds.len() - 2));
    println!("memory grew by {grown} bytes with each invocation since the second round");
    assert!(grown <= PER_INVOCATION, "memory grows: {rounds:#?}");
}
