//! Projectors: one process projects every partition.

use std::sync::Arc;

use platform::shutdown::ShutdownToken;
use projector::{Projector, ProjectorBoard, ProjectorParts};

use super::Life;
use crate::dice::{Dice, mix};
use crate::ground::LOG_ID;
use crate::log::Link;
use crate::store::StoreLink;

/// Starts the projector of each partition.
pub(crate) fn start(life: &Life) {
    let Life { ground, site, connection, .. } = life;
    let universe = &ground.universe;
    let board = Arc::new(ProjectorBoard::new(ground.plan.partitions));
    let store = StoreLink {
        universe: Arc::clone(universe),
        database: ground.database.clone(),
        site: *site,
    };
    let store = Arc::new(store);
    let link = |log| Link::open(universe, log, *site, *connection);
    let (decisions, commands) = (link(&ground.decisions), link(&ground.commands));
    let dead_letters = link(&ground.dead_letters);
    for partition in 0..ground.plan.partitions {
        let mut dice = Dice::new(mix(&[life.seed, partition.into()]));
        let parts = ProjectorParts {
            decisions: Arc::clone(&decisions),
            commands: Arc::clone(&commands),
            dead_letters: Arc::clone(&dead_letters),
            store: store.clone(),
            clock: life.clock(),
            board: Arc::clone(&board),
            log_id: LOG_ID,
            random: Box::new(move || dice.draw()),
        };
        universe.spawn(*site, Projector::new(partition, parts).run(ShutdownToken::new()));
    }
}
