//! As much of YAML as `docker-compose.yml` is written in: blocks by indentation, anchors merged by
//! name, one variable a line, commands as lists on one line. Must not know our programs' flags.

use std::collections::BTreeMap;

/// A service of the compose file.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    /// Entry point and command together; empty where it is not one of our programs.
    pub(super) words: Vec<String>,
    /// What begins with `TIMEDEAL_`, its own and that of all anchors it takes.
    pub(super) variables: BTreeMap<String, String>,
}

/// Lines of one block, below the line that names it.
struct Block<'a> {
    head: &'a str,
    lines: Vec<&'a str>,
}

pub(super) fn services(text: &str) -> Vec<Service> {
    let lines: Vec<&str> = text.lines().filter(|it| !it.trim_start().starts_with('#')).collect();
    let top = blocks(&lines, 0);
    let anchors: BTreeMap<&str, &Block<'_>> =
        top.iter().filter_map(|it| Some((it.head.split_once(": &")?.1, it))).collect();
    let services = top.iter().find(|it| it.head == "services:").expect("there are services");
    blocks(&services.lines, 2).iter().map(|block| service(block, &anchors)).collect()
}

/// The blocks whose names stand `indent` columns from the left.
fn blocks<'a>(lines: &[&'a str], indent: usize) -> Vec<Block<'a>> {
    let mut found: Vec<Block<'a>> = Vec::new();
    for line in lines.iter().filter(|line| !line.trim().is_empty()) {
        if line.len() - line.trim_start().len() == indent {
            found.push(Block { head: line.trim(), lines: Vec::new() });
        } else if let Some(block) = found.last_mut() {
            block.lines.push(line);
        }
    }
    found
}

fn service(block: &Block<'_>, anchors: &BTreeMap<&str, &Block<'_>>) -> Service {
    let list = |key: &str| -> Vec<String> {
        let line = block.lines.iter().find_map(|line| line.trim().strip_prefix(key));
        line.map(|list| serde_json::from_str(list).expect("a list on one line")).unwrap_or_default()
    };
    let mut variables = BTreeMap::new();
    collect(block, anchors, &mut variables);
    Service {
        name: block.head.trim_end_matches(':').to_owned(),
        words: [list("entrypoint: "), list("command: ")].concat(),
        variables,
    }
}

fn collect(
    block: &Block<'_>,
    anchors: &BTreeMap<&str, &Block<'_>>,
    variables: &mut BTreeMap<String, String>,
) {
    for line in &block.lines {
        let is_merge = |word: &&str| word.starts_with('*');
        let words = line.split([' ', ',', '[', ']']);
        for name in words.filter(is_merge) {
            let anchor = anchors.get(&name[1..]).unwrap_or_else(|| panic!("no anchor {name}"));
            collect(anchor, anchors, variables);
        }
        if let Some((name, value)) = line.trim().split_once(": ")
            && name.starts_with("TIMEDEAL_")
        {
            variables.insert(name.to_owned(), value.trim_matches('"').to_owned());
        }
    }
}
