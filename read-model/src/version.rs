//! Versions of tables: which of them a program can live with. The rule stands in
//! `migrations/README.md`. Must not know a database.

/// Migrations of one series only add: a program lives with all later ones of its own.
const SERIES: i64 = 1_000;

/// What tables are to a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Its own.
    Own,
    /// Of a later program of its series: all that it needs is there, and more.
    Later(Versions),
    /// Something that it needs is missing.
    Outdated(Versions),
    /// Of a later series: nothing is known of them.
    Newer(Versions),
}

/// The two that were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Versions {
    /// The newest migration that was done; 0: none.
    pub(crate) found: i64,
    /// The newest one of the program.
    pub(crate) expected: i64,
}

/// What the tables are on which the migrations `done` were done to a program that has those of
/// `own`.
pub(crate) fn compare(done: &[i64], own: &[i64]) -> Tables {
    let newest = |versions: &[i64]| versions.iter().copied().max().unwrap_or(0);
    let versions = Versions { found: newest(done), expected: newest(own) };
    let Versions { found, expected } = versions;
    if found / SERIES > expected / SERIES {
        return Tables::Newer(versions);
    }
    if !own.iter().all(|version| done.contains(version)) {
        return Tables::Outdated(versions);
    }
    if found > expected { Tables::Later(versions) } else { Tables::Own }
}

/// Says that a program has met tables of a later one.
pub(crate) fn warn_of_later(Versions { found, expected }: Versions) {
    tracing::warn!(found, expected, "the read model's tables are of a newer program's version");
}

#[cfg(test)]
mod tests {
    use super::{Tables, Versions, compare};

    #[track_caller]
    fn check(done: &[i64], own: &[i64], expected: fn(Versions) -> Tables) {
        let newest = |versions: &[i64]| versions.iter().copied().max().unwrap_or(0);
        let versions = Versions { found: newest(done), expected: newest(own) };
        assert_eq!(compare(done, own), expected(versions), "{done:?} for {own:?}");
    }

    #[test]
    fn a_program_lives_with_all_later_tables_of_its_series() {
        check(&[], &[1, 2], Tables::Outdated);
        check(&[1], &[1, 2], Tables::Outdated);
        check(&[1, 2], &[1, 2], |_| Tables::Own);
        check(&[1, 2, 3], &[1, 2], Tables::Later);
        check(&[1, 2, 999], &[1, 2], Tables::Later);
        check(&[1, 3], &[1, 2], Tables::Outdated);
        check(&[1, 2, 1_000], &[1, 2], Tables::Newer);
        check(&[1, 1_000], &[1, 2], Tables::Newer);
        check(&[1, 2], &[1, 2, 1_000], Tables::Outdated);
        check(&[1, 2, 1_000, 1_001], &[1, 2, 1_000], Tables::Later);
        check(&[1, 2, 1_000, 2_000], &[1, 2, 1_000], Tables::Newer);
    }
}
