//! A disk that is full: what is refused was not written, reads go on, and so do appends once there
//! is room again, without anybody's help.

use event_log::{AppendError, EmbeddedLogs, Log, OpenError, Options};
use futures_executor::block_on;
use test_servers::SmallDisk;

use crate::survival;
use crate::writer::{Answer, DATA, LOADS, Load, Sent, logs_of, options, read_mark};

/// Records of up to 12 KB.
const LOAD: Load = LOADS[1];
const DISK_MEGABYTES: u32 = 24;
/// Room that is left on the disk, in bytes: for a few appends; for less than the write-ahead log
/// takes before SQLite moves it; for that, but not for what is moved.
const ROOMS: [u64; 5] = [0, 150_000, 1_000_000, 4_300_000, 6_500_000];
/// Failed appends until the disk counts as full.
const REFUSALS: usize = 12;
/// The disk is full long before.
const APPENDS_MAX: usize = 5_000;

/// A disk, or none with a word about it.
fn disk() -> Option<SmallDisk> {
    let disk = SmallDisk::mount(DISK_MEGABYTES).unwrap();
    if disk.is_none() {
        println!("not tried: a small disk can be mounted by root alone");
    }
    disk
}

/// One sender, and what it was told.
struct Sender<'a> {
    logs: &'a EmbeddedLogs,
    answers: Vec<Answer>,
}

impl Sender<'_> {
    fn append(&mut self) -> Result<(), AppendError> {
        let sent = Sent { sender: 0, number: self.answers.len() };
        let (log, partition) = sent.target();
        let log: &dyn Log = &*logs_of(self.logs)[log];
        match block_on(log.append(partition, sent.records(LOAD))) {
            Ok(appended) => {
                let first = appended[0];
                self.answers.push(Answer::Acknowledged(sent, first.offset, first.log_time));
                Ok(())
            }
            Err(error) => {
                self.answers.push(Answer::Refused(sent));
                Err(error)
            }
        }
    }

    /// Appends until so many were refused, all of them as not written.
    fn append_until_full(&mut self) {
        let mut refusals = 0;
        for _ in 0..APPENDS_MAX {
            let Err(error) = self.append() else { continue };
            assert!(matches!(error, AppendError::Unavailable { .. }), "{error}");
            assert!(error.to_string().contains("full"), "{error}");
            refusals += 1;
            if refusals == REFUSALS {
                return;
            }
        }
        panic!("the disk does not get full");
    }

    /// The first record of every append that was acknowledged, from the file or from memory.
    fn read_all(&self) {
        for &answer in &self.answers {
            let Answer::Acknowledged(sent, offset, _) = answer else { continue };
            let (log, partition) = sent.target();
            let limits = event_log::ReadLimits { records_max: 1, bytes_max: 1 };
            let read = block_on(logs_of(self.logs)[log].read(partition, offset, limits)).unwrap();
            assert_eq!(read_mark(&read.records[0].payload), Some((sent, 0)));
        }
    }
}

#[test]
fn a_full_disk_refuses_what_was_not_written_and_goes_on_when_there_is_room() {
    let Some(disk) = disk() else { return };
    let data = disk.path().join(DATA);
    // Little memory: most reads go to the file.
    let few = Options { tail_records_max: 20, ..options(LOAD) };
    let logs = EmbeddedLogs::open(&data, few).unwrap();
    let mut sender = Sender { logs: &logs, answers: Vec::new() };
    sender.append().unwrap();
    for room in ROOMS {
        disk.fill_but(room).unwrap();
        sender.append_until_full();
        sender.read_all();
        disk.empty().unwrap();
        for _ in 0..20 {
            sender.append().unwrap();
        }
    }
    let answers = sender.answers;
    logs.close();
    let failed: Vec<_> = answers.iter().filter_map(|answer| answer.failed()).collect();
    let there = survival::check(&data, LOAD, &answers, &failed).unwrap();
    println!("{there} of {} appends are there, {} were refused", answers.len(), failed.len());
    assert_eq!(there + failed.len(), answers.len());
}

#[test]
fn a_process_that_ends_and_one_that_begins_on_a_full_disk_lose_nothing() {
    let Some(disk) = disk() else { return };
    let data = disk.path().join(DATA);
    let logs = EmbeddedLogs::open(&data, options(LOAD)).unwrap();
    let mut sender = Sender { logs: &logs, answers: Vec::new() };
    sender.append().unwrap();
    disk.fill_but(1_000_000).unwrap();
    sender.append_until_full();
    let answers = sender.answers;
    // Nothing can be moved out of the write-ahead log: it stays.
    logs.close();
    match EmbeddedLogs::open(&data, options(LOAD)) {
        Err(OpenError::Database { reason, .. }) => assert!(reason.contains("full"), "{reason}"),
        other => panic!("{other:?}"),
    }
    disk.empty().unwrap();
    let failed: Vec<_> = answers.iter().filter_map(|answer| answer.failed()).collect();
    survival::check(&data, LOAD, &answers, &failed).unwrap();
}

/// Nothing was acknowledged, so nothing can be lost; what stands there must not be in the way.
#[test]
fn a_log_that_found_no_room_to_begin_begins_when_there_is_some() {
    let Some(disk) = disk() else { return };
    let data = disk.path().join(DATA);
    let (mut begun, mut refused) = (false, 0);
    for room in (0..40).map(|pages| pages * 4_096) {
        disk.fill_but(room).unwrap();
        let opened = EmbeddedLogs::open(&data, options(LOAD));
        disk.empty().unwrap();
        match opened {
            Ok(_) => begun = true,
            Err(OpenError::Database { .. } | OpenError::Directory { .. }) => {
                assert!(!begun, "what was enough once is not any more");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(begun && refused > 5, "{refused} starts were refused");
    survival::check(&data, LOAD, &[], &[]).unwrap();
}
