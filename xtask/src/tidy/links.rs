//! Links in documents lead somewhere: every relative target in a Markdown file exists.

use super::Finding;
use crate::tree::SourceFile;

/// `exists` is asked with paths relative to the root.
pub(super) fn check(sources: &[SourceFile], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in targets(&file.text) {
            let path = resolve(&file.path, target);
            if !path.as_deref().is_some_and(&exists) {
                let message = format!("the link to `{target}` leads nowhere");
                findings.push(Finding::at(&file.path, line, message));
            }
        }
    }
    findings
}

/// Relative targets with the line (from 1) they stand on; code blocks are left out.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(targets_of_line(line).map(|target| (number + 1, target)));
        }
    }
    found
}

fn targets_of_line(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let reference = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
        .and_then(|(_, target)| target.split_whitespace().next());
    inline
        .chain(reference)
        .map(|target| target.trim_start_matches('<').trim_end_matches('>'))
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(|target| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty())
}

/// The path from the root, or nothing if the target is outside of it.
fn resolve(document: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => document.split('/').collect(),
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

#[cfg(test)]
mod tests {
    use super::super::{assert_findings, file};
    use super::*;

    #[track_caller]
    fn check_text(text: &str, expected: &[(usize, &str)]) {
        let existing = ["README.md", "docs/log.md", "docs/picture.png", "."];
        let sources = [file("docs/log.md", text)];
        assert_findings(&check(&sources, |path| existing.contains(&path)), expected);
    }

    #[test]
    fn a_relative_link_has_to_lead_to_a_file() {
        check_text("a [b](../README.md#top) ![p](picture.png) [r](/README.md)", &[]);
        check_text("a\n[b](../MISSING.md), [c](README.md)", &[(2, "MISSING"), (2, "README.md")]);
        check_text("[ref]: lost.md", &[(1, "lost.md")]);
        check_text("[out](../../elsewhere.md)", &[(1, "elsewhere")]);
    }

    #[test]
    fn addresses_anchors_and_code_are_not_files() {
        check_text("[a](https://example.org/x) [b](#here) [c](mailto:a@example.org)", &[]);
        check_text("```\n[a](lost.md)\n```\n[a](..)", &[]);
    }
}
