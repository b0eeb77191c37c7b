//! Goes through all worlds that can come about, breadth first, so that the shortest way to a broken
//! promise is found.

use std::collections::HashSet;

use crate::healing::Healed;
use crate::kept::Size;
use crate::world::{Action, Laws, World};

/// What was seen.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) worlds: usize,
    pub(crate) logs: usize,
    pub(crate) steps: usize,
    /// The shortest schedule that breaks a promise, and which.
    pub(crate) broken: Option<(Vec<Action>, String)>,
    /// Whether there was more than was looked at.
    pub(crate) is_cut: bool,
}

/// How a world was come to: from which, by what.
type Origin = (u32, Option<Action>);

/// Explores worlds of `size`, at most `worlds_max`; none: all of them.
pub(crate) fn explore(laws: &mut Laws, size: Size, worlds_max: usize) -> Explored {
    let first = World::new(size);
    let mut seen = HashSet::from([first.key(false)]);
    let mut origins: Vec<Origin> = vec![(0, None)];
    let mut level = vec![(0_u32, first)];
    let (mut healed, mut steps, mut actions) = (Healed::default(), 0, Vec::new());
    let mut broken = None;
    'levels: while !level.is_empty() && origins.len() < worlds_max {
        let mut next_level = Vec::new();
        for (number, world) in level {
            if laws.checks_healing
                && let Err(fault) = healed.check(&world, laws)
            {
                broken = Some((schedule(&origins, number), format!("does not heal: {fault}")));
                break 'levels;
            }
            actions.clear();
            world.actions(laws, &mut actions);
            for action in &actions {
                steps += 1;
                let mut next = world.clone();
                if let Err(fault) = next.act(*action, laws) {
                    let mut path = schedule(&origins, number);
                    path.push(*action);
                    broken = Some((path, fault));
                    break 'levels;
                }
                if seen.insert(next.key(false)) {
                    let reached = u32::try_from(origins.len()).expect("memory ends before");
                    origins.push((number, Some(*action)));
                    next_level.push((reached, next));
                }
            }
        }
        level = next_level;
        if origins.len() >= worlds_max && broken.is_none() {
            return finished(laws, &origins, steps, None, !level.is_empty());
        }
    }
    finished(laws, &origins, steps, broken, false)
}

fn finished(
    laws: &Laws,
    origins: &[Origin],
    steps: usize,
    broken: Option<(Vec<Action>, String)>,
    is_cut: bool,
) -> Explored {
    Explored { worlds: origins.len(), logs: laws.logs.len(), steps, broken, is_cut }
}

fn schedule(origins: &[Origin], mut number: u32) -> Vec<Action> {
    let mut path = Vec::new();
    while let (before, Some(action)) = origins[number as usize] {
        path.push(action);
        number = before;
    }
    path.reverse();
    path
}
