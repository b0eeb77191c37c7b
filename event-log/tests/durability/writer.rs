//! The program that is watched: several senders append to all logs at once, with a few appends
//! each on their way, and note what was acknowledged. It is this test program, run again with
//! variables that say where. What each record says follows from who sent it and as which.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use event_log::{AppendError, Clock, EmbeddedLogs, Log, Options, Receipt, Record, headers};
use futures_executor::block_on;
use schemas::{Offset, Partition, Timestamp};

use crate::chance::Chance;
use crate::survival;

/// Says where to write when somebody watches.
pub(crate) const PLACE: &str = "TIMEDEAL_TEST_PLACE";
/// Says which of [`LOADS`].
pub(crate) const LOAD: &str = "TIMEDEAL_TEST_LOAD";
/// The name of the test that is the program.
pub(crate) const PROGRAM: &str = "writer::what_many_senders_append_is_there";
/// The data directory below the place: two levels that are not there yet.
pub(crate) const DATA: &str = "fresh/data";
/// Where acknowledgements are noted, below the place.
pub(crate) const NOTES: &str = "acknowledged";

pub(crate) const PARTITIONS: Partition = 3;
pub(crate) const LOGS: usize = 3;
/// The logs are opened so often while a load is written.
const PARTS: usize = 3;
/// Appends of one sender that are on their way.
const PENDING_MAX: usize = 4;

/// How much is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) senders: usize,
    /// Appends of each sender.
    pub(crate) appends: usize,
    payload_bytes_max: usize,
    wal_bytes_max: u64,
}

/// The first one shortens its write-ahead log again and again. The others leave that to SQLite,
/// which starts it over when it has 1,000 pages; the last never comes so far.
pub(crate) const LOADS: [Load; 3] = [
    Load { senders: 4, appends: 60, payload_bytes_max: 1_500, wal_bytes_max: 200_000 },
    Load { senders: 4, appends: 90, payload_bytes_max: 12_000, wal_bytes_max: 64 << 20 },
    Load { senders: 3, appends: 240, payload_bytes_max: 700, wal_bytes_max: 64 << 20 },
];

/// What payloads are made long with, and so cut that hardly two are the same.
static FILLER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut chance = Chance::new(0);
    (0..20_000).map(|_| b'a' + chance.below(26) as u8).collect()
});

/// One append: whose, and its how manieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sent {
    pub(crate) sender: usize,
    pub(crate) number: usize,
}

impl Sent {
    /// Where it goes. Neighbours go to different logs and partitions: what is lost between them
    /// would be missed.
    pub(crate) fn target(self) -> (usize, Partition) {
        let Self { sender, number } = self;
        let partition = (sender * 5 + number / 2) % usize::from(PARTITIONS);
        ((sender + number) % LOGS, Partition::try_from(partition).expect("a small number"))
    }

    pub(crate) fn records(self, load: Load) -> Vec<Record> {
        let mut chance = Chance::new((self.sender * 100_000 + self.number) as u64);
        let count = 1 + chance.below(4);
        (0..count).map(|index| self.record(index, chance.below(load.payload_bytes_max))).collect()
    }

    fn record(self, index: usize, filler_bytes: usize) -> Record {
        let mut payload = mark(self, index).into_bytes();
        let shift = (self.number + index) % (FILLER.len() - filler_bytes);
        payload.extend_from_slice(&FILLER[shift..shift + filler_bytes]);
        Record {
            key: Bytes::from(format!("sender-{}", self.sender)),
            headers: headers([("number", self.number.to_string())]),
            payload: payload.into(),
        }
    }
}

/// How a payload begins. Found nowhere else in the files.
pub(crate) fn mark(sent: Sent, index: usize) -> String {
    format!("<{}.{}.{index}>", sent.sender, sent.number)
}

/// What [`mark`] wrote, and how long that was.
pub(crate) fn read_mark(bytes: &[u8]) -> Option<(Sent, usize)> {
    let text = bytes.strip_prefix(b"<")?;
    let end = text.iter().take(20).position(|&byte| byte == b'>')?;
    let mut numbers = std::str::from_utf8(&text[..end]).ok()?.split('.').map(str::parse);
    let [sender, number, index] = [numbers.next()?, numbers.next()?, numbers.next()?];
    Some((Sent { sender: sender.ok()?, number: number.ok()? }, index.ok()?))
}

/// What one append came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It stands there from this offset on.
    Acknowledged(Sent, Offset, Timestamp),
    /// Nothing was written.
    Refused(Sent),
    /// Nobody knows.
    Unknown(Sent),
}

impl Answer {
    /// What was sent, if it failed.
    pub(crate) fn failed(self) -> Option<Sent> {
        match self {
            Self::Refused(sent) | Self::Unknown(sent) => Some(sent),
            Self::Acknowledged(..) => None,
        }
    }

    fn to_line(self) -> String {
        match self {
            Self::Acknowledged(Sent { sender, number }, offset, log_time) => {
                format!("acknowledged {sender} {number} {offset} {}\n", log_time.as_millis())
            }
            Self::Refused(Sent { sender, number }) => format!("refused {sender} {number}\n"),
            Self::Unknown(Sent { sender, number }) => format!("unknown {sender} {number}\n"),
        }
    }

    #[track_caller]
    pub(crate) fn of_line(line: &str) -> Self {
        let (kind, numbers) = line.trim_end().split_once(' ').unwrap();
        let numbers: Vec<u64> = numbers.split(' ').map(|word| word.parse().unwrap()).collect();
        let sent = Sent { sender: numbers[0] as usize, number: numbers[1] as usize };
        match kind {
            "acknowledged" => {
                Self::Acknowledged(sent, numbers[2], Timestamp::from_millis(numbers[3] as i64))
            }
            "refused" => Self::Refused(sent),
            "unknown" => Self::Unknown(sent),
            other => panic!("{other} is no answer"),
        }
    }
}

pub(crate) fn logs_of(logs: &EmbeddedLogs) -> [Arc<dyn Log>; LOGS] {
    [logs.commands(), logs.decisions(), logs.dead_letters()]
}

pub(crate) fn options(load: Load) -> Options {
    let clock: Clock = Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    });
    Options { wal_bytes_max: load.wal_bytes_max, ..Options::new(PARTITIONS, clock) }
}

/// Writes a part of the load: twice as long as the process lives, with the logs closed in between,
/// and once in another process that begins with what the first one left behind.
fn write(place: &Path, load: Load, parts: Range<usize>) -> EmbeddedLogs {
    let notes = OpenOptions::new().create(true).append(true).open(place.join(NOTES)).unwrap();
    let open = || EmbeddedLogs::open(place.join(DATA), options(load)).unwrap();
    let mut logs = open();
    for part in parts.clone() {
        if part > parts.start {
            logs.close();
            logs = open();
        }
        let numbers = load.appends * part / PARTS..load.appends * (part + 1) / PARTS;
        send(&logs, load, &notes, numbers);
    }
    logs
}

fn send(logs: &EmbeddedLogs, load: Load, notes: &File, numbers: Range<usize>) {
    std::thread::scope(|scope| {
        for sender in 0..load.senders {
            let numbers = numbers.clone();
            scope.spawn(move || {
                let mut pending = VecDeque::new();
                for number in numbers {
                    if pending.len() == PENDING_MAX {
                        note(&mut pending, notes);
                    }
                    let sent = Sent { sender, number };
                    let (log, partition) = sent.target();
                    let receipt = logs_of(logs)[log].append(partition, sent.records(load));
                    pending.push_back((sent, receipt));
                }
                while !pending.is_empty() {
                    note(&mut pending, notes);
                }
            });
        }
    });
}

/// Waits for the oldest append and notes what became of it.
fn note(pending: &mut VecDeque<(Sent, Receipt)>, mut notes: &File) {
    let Some((sent, receipt)) = pending.pop_front() else { return };
    let answer = match block_on(receipt) {
        Ok(appended) => {
            let first = appended[0];
            let follow = appended.iter().zip(first.offset..);
            assert!(follow.into_iter().all(|(it, offset)| it.offset == offset), "{appended:?}");
            Answer::Acknowledged(sent, first.offset, first.log_time)
        }
        Err(AppendError::Unknown { .. }) => Answer::Unknown(sent),
        Err(
            AppendError::Unavailable { .. }
            | AppendError::Full { .. }
            | AppendError::TooLarge { .. },
        ) => Answer::Refused(sent),
    };
    // One call, so that a watcher sees the whole line at one moment.
    let line = answer.to_line();
    assert_eq!(notes.write(line.as_bytes()).unwrap(), line.len());
}

#[test]
fn what_many_senders_append_is_there() {
    if let Some(place) = std::env::var_os(PLACE) {
        let load: usize = std::env::var(LOAD).unwrap().parse().unwrap();
        let place = PathBuf::from(place);
        let parts = if place.join(NOTES).exists() { PARTS - 1..PARTS } else { 0..PARTS - 1 };
        let _open = write(&place, LOADS[load], parts);
        // As a process that is killed: nothing is closed.
        std::process::exit(0);
    }
    let place = tempfile::tempdir().unwrap();
    for (number, load) in LOADS.into_iter().enumerate() {
        let place = place.path().join(number.to_string());
        std::fs::create_dir(&place).unwrap();
        drop(write(&place, load, 0..PARTS));
        let notes = std::fs::read_to_string(place.join(NOTES)).unwrap();
        let answers: Vec<_> = notes.lines().map(Answer::of_line).collect();
        assert_eq!(answers.len(), load.senders * load.appends);
        let there = survival::check(&place.join(DATA), load, &answers, &[]).unwrap();
        assert_eq!(there, answers.len(), "everything was acknowledged and is there");
    }
}
