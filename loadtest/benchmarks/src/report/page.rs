//! The part of a page of the documentation that a run writes; all else on it is people's.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::chart::charts;
use super::table::tables;
use crate::record::Record;

const BEGIN: &str = "<!-- figures: begin, written by `benchmarks` -->\n";
const END: &str = "<!-- figures: end -->\n";

/// Writes charts into the folder `pictures`, and figures between the marks of the page, which is
/// beside that folder.
pub(crate) fn write(record: &Record, page: &Path, pictures: &Path) -> Result<()> {
    let folder = pictures.file_name().context("a folder without a name")?.display().to_string();
    let mut links = String::new();
    for (file, picture) in charts(record)? {
        fs::write(pictures.join(file), picture)?;
        let name = file.trim_end_matches(".svg");
        links.push_str(&format!("\n![{name}]({folder}/{file})\n"));
    }
    let figures = format!("{}{links}{}", circumstances(record), tables(record));
    put_figures(page, &figures)
}

/// Puts figures between the two marks of a page.
pub(crate) fn put_figures(page: &Path, figures: &str) -> Result<()> {
    let text = fs::read_to_string(page).with_context(|| format!("{}", page.display()))?;
    let text = replaced(&text, figures).with_context(|| {
        format!("{} does not have the two marks between which figures stand", page.display())
    })?;
    fs::write(page, text).with_context(|| format!("{}", page.display()))
}

fn replaced(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{figures}\n{END}{after}"))
}

fn circumstances(record: &Record) -> String {
    let machine = &record.machine;
    let versions = record.versions.iter().map(|(name, version)| format!("{name} {version}"));
    format!(
        "{} of {}, {} MiB of memory, Linux {}, {} open files in a process; {}. {} repetitions, the \
         contests in turn; a load is counted for {} s.\n",
        match machine.cores {
            1 => "One core".to_owned(),
            cores => format!("{cores} cores"),
        },
        machine.processor,
        machine.memory_mib,
        machine.kernel,
        machine.open_files_max,
        versions.collect::<Vec<_>>().join(", "),
        record.repeats,
        record.seconds
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn only_what_stands_between_the_marks_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let (page, pictures) = (folder.path().join("page.md"), folder.path().join("pictures"));
        fs::create_dir(&pictures).unwrap();
        fs::write(&page, format!("# Before\n{BEGIN}old\n{END}After\n")).unwrap();
        for _ in 0..2 {
            write(&record(&[("front-bare", &[7.0])]), &page, &pictures).unwrap();
            let text = fs::read_to_string(&page).unwrap();
            assert!(text.starts_with(&format!("# Before\n{BEGIN}\n0 cores of ")), "{text}");
            assert!(text.ends_with(&format!("\n{END}After\n")) && !text.contains("old"), "{text}");
            assert_eq!(text.matches("![fronts](pictures/fronts.svg)").count(), 1);
        }
        assert!(pictures.join("fronts.svg").exists());
    }

    #[test]
    fn a_page_without_marks_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        fs::write(&page, "# Mine\n").unwrap();
        assert!(write(&record(&[]), &page, folder.path()).is_err());
        assert_eq!(fs::read_to_string(&page).unwrap(), "# Mine\n");
    }
}
