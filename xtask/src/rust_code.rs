//! Just enough of Rust's grammar to tell code from comments and text, and tests from the rest.
//!
//! Line numbers are kept throughout, so that a rule can say where. It must not know any rule.

use std::ops::Range;

/// `text` with comments and the insides of string and character literals blanked out. Lines and
/// columns (in characters) stay where they are.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        if let Some(end) = hidden_end(&chars, at) {
            code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// Where the comment or literal that starts at `at` ends, if one starts there.
fn hidden_end(chars: &[char], at: usize) -> Option<usize> {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => Some(find(chars, at, |c| c == '\n')),
        '/' if next == Some('*') => Some(block_comment_end(chars, at)),
        '"' => Some(string_end(chars, at)),
        'r' if starts_word(chars, at) => raw_string_end(chars, at),
        '\'' if next == Some('\\') => Some(find(chars, at + 3, |c| c == '\'') + 1),
        '\'' if chars.get(at + 2) == Some(&'\'') => Some(at + 3),
        _ => None,
    }
    .map(|end| end.min(chars.len()))
}

fn find(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|&at| wanted(chars[at])).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => {
                depth += 1;
                at += 2;
            }
            ('*', '/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `r"…"` and `r##"…"##`; `r#fn` is an identifier and stays.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let open = find(chars, start + 1, |c| c != '#');
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let hashes = open - start - 1;
    let closes = |at: &usize| {
        chars[*at] == '"'
            && chars[*at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes
    };
    Some((open + 1..chars.len()).find(closes).map_or(chars.len(), |at| at + 1 + hashes))
}

/// Whether a word starts at `at`; the prefixes of `br""` and `cr""` do not count as a word.
fn starts_word(chars: &[char], at: usize) -> bool {
    let before = |distance: usize| at.checked_sub(distance).map(|index| chars[index]);
    match before(1) {
        Some('b' | 'c') => !before(2).is_some_and(is_word_char),
        Some(c) => !is_word_char(c),
        None => true,
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Byte offsets in `text` at which `word` stands with no letter, digit or `_` beside it. An end of
/// `word` that is itself a sign (`metrics::`, `todo!(`) needs no such gap.
pub(crate) fn word_positions(text: &str, word: &str) -> Vec<usize> {
    let joins = |beside: Option<char>, end: Option<char>| {
        beside.is_some_and(is_word_char) && end.is_some_and(is_word_char)
    };
    text.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !joins(before, word.chars().next()) && !joins(after, word.chars().next_back())
        })
        .collect()
}

/// What stands under `#[cfg(test)]` in code (as [`code_only`] gives it).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TestParts {
    /// Lines (from 0) of items under `#[cfg(test)]`, attribute included.
    pub(crate) lines: Vec<Range<usize>>,
    /// Names of modules under `#[cfg(test)]` whose text stands in a file of its own.
    pub(crate) modules: Vec<String>,
}

/// Finds the items under `#[cfg(test)]`.
pub(crate) fn test_parts(code: &str) -> TestParts {
    let mut parts = TestParts::default();
    let mut from = 0;
    while let Some(at) = code[from..].find("#[cfg(test)]").map(|found| from + found) {
        let item = &code[at..];
        let head = item.find(['{', ';']).unwrap_or(item.len());
        let length = if item[head..].starts_with('{') {
            head + braces_length(&item[head..])
        } else {
            if let Some((_, name)) = item[..head].rsplit_once("mod ") {
                parts.modules.push(name.trim().to_owned());
            }
            head
        };
        parts.lines.push(line_of(code, at)..line_of(code, at + length) + 1);
        from = at + length.max(1);
    }
    parts
}

/// Length in bytes of the block that `code` starts with, braces included.
fn braces_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The line, from 0, of a byte offset.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(code_only(text), expected);
    }

    #[test]
    fn comments_are_blanked() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */\n d */ e", "a             \n      e");
        check("//! tokio\nuse a;", "         \nuse a;");
    }

    #[test]
    fn literals_are_blanked_and_lifetimes_and_raw_identifiers_stay() {
        check(r#"f("a\"b", c)"#, "f(      , c)");
        check(r##"f(r#"a"b"#, c)"##, "f(        , c)");
        check(r#"f(br"a\", c)"#, "f(b     , c)");
        check("f('\"', '\\'', x)", "f(   ,     , x)");
        check("fn f<'a>(x: &'a str) { r#type }", "fn f<'a>(x: &'a str) { r#type }");
    }

    #[test]
    fn an_open_end_does_not_run_over() {
        check("\"a", "  ");
        check("/* a", "    ");
        check("r#\"a\"", "     ");
        check("'\\", "  ");
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(word_positions("rand brand rand_x rand::y", "rand"), [0, 18]);
        assert_eq!(word_positions("metrics::x my_metrics::x", "metrics::"), [0]);
    }

    #[test]
    fn items_under_cfg_test_are_found_inside_and_beside_a_file() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { }\n}\nfn c() {}\n\
                    #[cfg(test)]\npub(crate) mod script;\n";

        let parts = test_parts(code);

        assert_eq!(parts.lines, [1..5, 6..8]);
        assert_eq!(parts.modules, ["script"]);
    }
}
