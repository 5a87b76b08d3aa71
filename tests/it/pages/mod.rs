//! The pages of the documentation: their code blocks, commands, links and anchors.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page by its path within the repository, with its lines.
pub struct Page {
    pub path: PathBuf,
    pub lines: Vec<String>,
}

/// README, CONTRIBUTING, CHANGELOG, and all below docs/.
pub fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "reports/README.md"].map(PathBuf::from).into();
    paths.extend(below(Path::new("docs")));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root().join(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Page { path, lines: text.lines().map(str::to_owned).collect() }
    };
    paths.into_iter().map(read).collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(root().join(folder)).unwrap().map(|e| e.unwrap().file_name());
    let mut paths: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
    paths.sort();
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|p| root().join(p).is_dir());
    let pages = files.into_iter().filter(|p| p.extension().is_some_and(|e| e == "md"));
    pages.chain(folders.iter().flat_map(|f| below(f))).collect()
}

/// A fenced block: what stands behind its three backticks, and its lines as places in the page.
pub struct Block<'a> {
    pub page: &'a Page,
    pub info: &'a str,
    pub lines: Range<usize>,
}

impl Page {
    pub fn blocks(&self) -> Vec<Block<'_>> {
        let fences = self.lines.iter().enumerate().filter(|(_, l)| l.starts_with("```")).map(|(i, _)| i);
        let fences: Vec<usize> = fences.collect();
        let name = self.path.display();
        assert!(
            fences.len().is_multiple_of(2),
            "{name}: the block in line {} is not closed",
            fences.last().unwrap() + 1
        );
        let block = |pair: &[usize]| Block { page: self, info: &self.lines[pair[0]][3..], lines: pair[0] + 1..pair[1] };
        fences.chunks(2).map(block).collect()
    }

    /// Lines that are not in a block, with their number from 1.
    pub fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut inside = false;
        self.lines.iter().enumerate().filter_map(move |(i, line)| {
            let fence = line.starts_with("```");
            inside ^= fence;
            (!inside && !fence).then_some((i + 1, line.as_str()))
        })
    }

    /// Targets of links and images, with their lines.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (number, line) in self.prose() {
            // Every second piece is code.
            let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
            found.extend(text.split("](").skip(1).filter_map(|t| Some((number, t.split_once(')')?.0.to_owned()))));
        }
        found
    }

    /// What stands in single backticks, with its line.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose().flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |code| (number, code)))
    }

    /// What a link to a heading of this page may say behind `#`: as mdBook and Git forges make it.
    pub fn anchors(&self) -> Vec<String> {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        let headings = self.prose().filter(|(_, l)| l.starts_with('#'));
        let mut anchor = |line: &str| {
            let kept = line.trim_start_matches('#').trim().to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let before = times.entry(slug.clone()).or_default();
            *before += 1;
            if *before == 1 { slug } else { format!("{slug}-{}", *before - 1) }
        };
        headings.map(|(_, line)| anchor(line)).collect()
    }
}

/// A command of a `console` block.
#[derive(Debug, PartialEq)]
pub struct Command {
    /// The line behind `$ `.
    pub line: String,
    pub exit_code: i32,
    /// What it should print.
    pub expected: Vec<String>,
    /// Where that stands in the page: the lines after the command, the exit code left out.
    pub place: Range<usize>,
}

impl Block<'_> {
    /// "README.md:12".
    pub fn place(&self) -> String {
        format!("{}:{}", self.page.path.display(), self.lines.start)
    }

    /// Of a `console` block.
    pub fn commands(&self) -> Vec<Command> {
        let lines = &self.page.lines;
        let starts: Vec<usize> = self.lines.clone().filter(|i| lines[*i].starts_with("$ ")).collect();
        assert_eq!(starts.first(), Some(&self.lines.start), "{}: a console block begins with `$ `", self.place());
        let ends = starts.iter().skip(1).copied().chain([self.lines.end]);
        let command = |(start, end): (&usize, usize)| {
            let code = lines[start + 1..end].first().and_then(|l| l.strip_prefix("? "));
            let from = start + 1 + usize::from(code.is_some());
            Command {
                line: lines[*start][2..].to_owned(),
                exit_code: code.map_or(0, |c| c.parse().unwrap()),
                expected: lines[from..end].to_vec(),
                place: from..end,
            }
        };
        starts.iter().zip(ends).map(command).collect()
    }

    /// Lines of a `sh` block that call the program.
    pub fn calls(&self) -> Vec<&str> {
        let lines = self.lines.clone().map(|i| self.page.lines[i].as_str());
        lines.filter(|l| l.starts_with("codecbench ")).collect()
    }
}

/// The words of a command line as a shell would tell them apart, up to a comment, a pipe or a redirection.
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#' | '|' | '>') if word.is_none() => break,
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "a quote is not closed: {line}");
    words.extend(word);
    words
}

/// The first line of `got` that `expected` does not allow for, from 0; `None` where all agree. A line `...` stands for any
/// lines, `[..]` for any text within one.
pub fn mismatch(expected: &[String], got: &[&str]) -> Option<usize> {
    let Some((first, rest)) = expected.split_first() else {
        return (!got.is_empty()).then_some(0);
    };
    if first == "..." {
        // The furthest place that any choice gets to tells the most.
        let tries: Vec<Option<usize>> = (0..=got.len()).map(|n| mismatch(rest, &got[n..]).map(|m| n + m)).collect();
        return if tries.contains(&None) { None } else { tries.into_iter().flatten().max() };
    }
    match got.split_first() {
        Some((line, others)) if alike(first, line) => mismatch(rest, others).map(|m| m + 1),
        _ => Some(0),
    }
}

fn alike(expected: &str, got: &str) -> bool {
    let Some((start, rest)) = expected.split_once("[..]") else { return expected == got };
    let Some(tail) = got.strip_prefix(start) else { return false };
    tail.char_indices().map(|(i, _)| i).chain([tail.len()]).any(|i| alike(rest, &tail[i..]))
}
