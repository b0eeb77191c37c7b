//! What becomes of a world once faults stop: the partition is one worker's, the log answers, and
//! whoever owned it hears of the next owner. Then one owner is left and everything is decided.

use std::collections::HashSet;

use crate::worker::Phase;
use crate::world::{Action, Laws, World};

/// Far more steps than any world needs.
const STEPS_MAX: usize = 100;

/// What becomes of that which was on its way when the faults stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lost,
    Lands,
    /// Only after the next owner has got to work.
    LandsLate,
}

const FATES: [Fate; 3] = [Fate::Lost, Fate::Lands, Fate::LandsLate];

/// Worlds that are known to heal, so that no path is walked twice.
#[derive(Debug, Default)]
pub(crate) struct Healed(HashSet<(u64, u8, u8)>);

impl Healed {
    /// Whether the world heals, whosever the partition is and whatever is on its way.
    pub(crate) fn check(&mut self, world: &World, laws: &mut Laws) -> Result<(), String> {
        for assigned in (0..).take(world.workers.len()) {
            for (number, fate) in (0..).zip(FATES) {
                if fate != Fate::Lost && world.flying.is_empty() {
                    continue;
                }
                let mut path = Vec::new();
                self.walk(world.clone(), (assigned, number), laws, &mut path)
                    .map_err(|fault| format!("{fault}; for {assigned}, {fate:?}: {path:?}"))?;
            }
        }
        Ok(())
    }

    fn walk(
        &mut self,
        mut world: World,
        (assigned, number): (u8, u8),
        laws: &mut Laws,
        path: &mut Vec<Action>,
    ) -> Result<(), String> {
        let mut late = match FATES[usize::from(number)] {
            Fate::Lost => {
                world.flying.clear();
                Vec::new()
            }
            Fate::Lands => Vec::new(),
            Fate::LandsLate => std::mem::take(&mut world.flying),
        };
        let mut seen = Vec::new();
        for _ in 0..STEPS_MAX {
            if late.is_empty() {
                let key = (world.key(true), assigned, number);
                if self.0.contains(&key) {
                    self.0.extend(seen);
                    return Ok(());
                }
                seen.push(key);
            }
            if let Some(action) = next(&world, assigned, laws) {
                path.push(action);
                world.act(action, laws)?;
            } else if late.is_empty() {
                self.0.extend(seen);
                return is_healed(&world, assigned, laws);
            } else {
                world.flying = std::mem::take(&mut late);
            }
        }
        Err(format!("no end after {STEPS_MAX} steps"))
    }
}

/// The one thing that happens next, of all that may; none: all is quiet.
fn next(world: &World, assigned: u8, laws: &Laws) -> Option<Action> {
    if !world.flying.is_empty() {
        return Some(Action::Land { flying: 0 });
    }
    let end = laws.logs.end(world.log);
    let behind = |number: u8| {
        let worker = &world.workers[usize::from(number)];
        let reads = matches!(worker.phase, Phase::Waiting | Phase::Owning);
        reads && worker.filter.read_offset < end
    };
    let numbers = 0..world.workers.len() as u8;
    let owns = |number: u8| world.workers[usize::from(number)].phase == Phase::Owning;
    let own_first = std::iter::once(assigned).chain(numbers.filter(|it| *it != assigned));
    // A worker that rests reads back, but claims nothing.
    if let Some(worker) =
        own_first.into_iter().find(|it| behind(*it) && (*it == assigned || owns(*it)))
    {
        return Some(Action::Read { worker });
    }
    let (worker, own) = (assigned, &world.workers[usize::from(assigned)]);
    match own.phase {
        Phase::Standby => {
            let newest = (0..).zip(&world.snapshots).max_by_key(|(_, it)| it.filter.read_offset);
            Some(Action::Load { worker, snapshot: newest.map(|(number, _)| number) })
        }
        Phase::Ready => Some(Action::Claim { worker }),
        // All that has landed is read: its claim is lost, and it is told so.
        Phase::Waiting => Some(Action::Restart { worker }),
        // What it sent has landed and was read, or is lost: it is not read back in time.
        Phase::Owning if !own.sent.is_empty() => Some(Action::Restart { worker }),
        Phase::Owning if own.next <= laws.size.commands => Some(Action::Decide { worker }),
        Phase::Owning => None,
    }
}

fn is_healed(world: &World, assigned: u8, laws: &Laws) -> Result<(), String> {
    let decided_next = laws.logs.filter(world.log).decided_next;
    if decided_next != laws.size.commands + 1 {
        return Err(format!("all is quiet, and {decided_next} is not decided"));
    }
    let owners = (0..).zip(&world.workers).filter(|(_, it)| it.phase == Phase::Owning);
    let owners: Vec<u8> = owners.map(|(number, _)| number).collect();
    if owners != [assigned] {
        return Err(format!("all is quiet, and owners are {owners:?}, not {assigned}"));
    }
    Ok(())
}
