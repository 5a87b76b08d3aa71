//! Files import one way: those of earlier tiers, and within a folder never in a circle. Tests (at the end of a file, or in
//! `tests.rs`) may look anywhere.
//!
//! A name that a `mod.rs` only hands on (`pub use`) counts as an import of the file that it comes from; handing on is no
//! import.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From the ground up; a folder or file imports none of its own tier. `stats` stands low because it knows numbers and
/// nothing of what they measure.
const TIERS: [&[&str]; 12] = [
    &["error"],
    &["bits", "files", "units"],
    &["media", "model", "sdp", "stats"],
    &["rtp"],
    &["codec", "net", "metric"],
    &["corpus", "playout", "peer"],
    &["plan"],
    &["call", "latency", "cost", "replay"],
    &["store"],
    &["report"],
    &["experiment"],
    &["cli"],
];

/// Their `mod.rs` lists what is in the folder, and nothing in the folder imports it.
const LISTS: [&str; 10] = [
    "codec",
    "codec/audio",
    "codec/video",
    "metric",
    "metric/audio",
    "metric/video",
    "peer",
    "report/chart",
    "experiment",
    "cli",
];

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = House::read().circles();
    assert!(circles.is_empty(), "{} circles of files:\n{}", circles.len(), circles.join("\n"));
}

#[test]
fn imports_point_one_way() {
    let house = House::read();
    let seen: usize = house.imports.values().map(BTreeSet::len).sum();
    assert!(seen > 1000, "only {seen} imports found: does this test still read them?");
    let wrong = house.upward();
    assert!(wrong.is_empty(), "against the direction:\n{}", wrong.join("\n"));
}

#[test]
fn a_list_is_not_imported_by_what_it_lists() {
    let wrong = House::read().of_lists();
    assert!(wrong.is_empty(), "import what the list imports, not the list:\n{}", wrong.join("\n"));
}

#[test]
fn a_folder_is_its_mod_rs() {
    let src = source_folder();
    let beside = |path: &PathBuf| path.with_extension("").is_dir();
    let wrong: Vec<PathBuf> = sources(&src).into_iter().filter(beside).collect();
    assert!(wrong.is_empty(), "a file stands beside the folder of its name: {wrong:?}");
}

#[test]
fn what_goes_against_the_rules_is_found() {
    let of = |files: &[(&str, &str)]| House::of(files.iter().map(|(path, text)| (path.to_string(), text.to_string())));
    let calm = [
        ("codec/mod.rs", "mod api; mod g711; pub use api::Codec; pub use g711::G711; fn f() -> Codec { todo }"),
        ("codec/api.rs", "use crate::units::Bitrate; pub struct Codec;"),
        ("codec/g711.rs", "use super::api::Codec; // use crate::cli;\nconst WHY: &str = \"crate::cli::X\";"),
        ("plan/mod.rs", "use crate::codec::{self, G711};\n#[cfg(test)]\nmod tests {\n    use crate::cli::print;\n}\n"),
        ("units.rs", "pub(in crate::codec) struct Bitrate;"),
        ("cli/mod.rs", "use crate::plan::Plan;"),
    ];
    let house = of(&calm);
    assert!(house.circles().is_empty() && house.upward().is_empty() && house.of_lists().is_empty());
    let imports = |path: &str| house.imports[path].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(imports("plan"), ["codec", "codec/g711"], "what is handed on counts as of its own file");

    let with = |path: &str, text: &str| {
        let planted = calm.iter().map(|(p, t)| if *p == path { (*p, text) } else { (*p, *t) }).collect::<Vec<_>>();
        of(&planted)
    };
    // By a face, by a path within code, and by a child's bare name.
    for (path, text) in [
        ("codec/api.rs", "use crate::codec::G711;"),
        ("codec/api.rs", "fn f() { super::g711::f() }"),
        ("codec/api.rs", "mod inner {\n    use super::super::g711::f;\n}\n"),
    ] {
        assert_eq!(with(path, text).circles(), ["codec/api, codec/g711"], "{text}");
    }
    let circle = with("codec/g711.rs", "use super::f;");
    assert!(circle.circles().is_empty(), "the list hands on and imports nothing");
    assert_eq!(circle.of_lists(), ["codec/g711 imports the list codec"]);
    let by_name = of(&[("a/mod.rs", "mod b; fn f() { b::g() }"), ("a/b.rs", "use super::f;")]);
    assert_eq!(by_name.circles(), ["a, a/b"]);
    assert_eq!(
        with("units.rs", "use crate::{cli, codec::Codec};").upward(),
        ["units imports cli", "units imports codec/api"]
    );
}

/// All files of the library by their modules, "codec/audio/opus", and what each imports.
struct House {
    /// As the imports are written: a name that is handed on is of the file that hands it on.
    written: BTreeMap<String, BTreeSet<String>>,
    /// As they are meant: it is of the file that it comes from.
    imports: BTreeMap<String, BTreeSet<String>>,
}

impl House {
    fn read() -> House {
        let src = source_folder();
        let inner = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        House::of(sources(&src).iter().map(|path| (inner(path), std::fs::read_to_string(path).unwrap())))
    }

    fn of(files: impl Iterator<Item = (String, String)>) -> House {
        let is_test = |path: &str| path.ends_with("tests.rs") || path.contains("tests/") || path == "main.rs";
        let mut read = BTreeMap::new();
        for (path, text) in files.filter(|(path, _)| !is_test(path)) {
            let face = path.ends_with("mod.rs") || path == "lib.rs";
            let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
            let module = if path == "lib.rs" { "" } else { module };
            read.insert(segments(module), Source::of(&text, face));
        }
        let (mut written, mut imports) = (BTreeMap::new(), BTreeMap::new());
        for (module, source) in &read {
            let absolute = source.paths.iter().filter_map(|p| absolute(p, module, &read));
            let of = |path: &[String], follow: bool| Some(target(path, follow, &read)).filter(|m| m != module);
            let (mut raw, mut meant) = (BTreeSet::new(), BTreeSet::new());
            for path in absolute {
                raw.extend(of(&path, false).map(|m| m.join("/")));
                meant.extend(of(&path, true).map(|m| m.join("/")));
            }
            // The crate's root exports the error type under its usual names.
            raw.remove("");
            meant.remove("");
            written.insert(module.join("/"), raw);
            imports.insert(module.join("/"), meant);
        }
        House { written, imports }
    }

    /// The groups of files each of which reaches all others of it.
    fn circles(&self) -> Vec<String> {
        let reach: BTreeMap<&str, BTreeSet<&str>> = self.imports.keys().map(|m| (m.as_str(), self.reach(m))).collect();
        let mut groups = BTreeSet::new();
        for (module, reached) in &reach {
            let group: BTreeSet<&str> = reached.iter().filter(|r| reach[*r].contains(module)).copied().collect();
            if !group.is_empty() {
                groups.insert(group.into_iter().collect::<Vec<_>>().join(", "));
            }
        }
        groups.into_iter().collect()
    }

    fn reach(&self, from: &str) -> BTreeSet<&str> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            for next in &self.imports[module] {
                if reached.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        reached
    }

    fn upward(&self) -> Vec<String> {
        let tier = |module: &str| {
            let first = module.split('/').next().unwrap();
            let found = TIERS.iter().position(|tier| tier.contains(&first));
            (first.to_owned(), found.unwrap_or_else(|| panic!("{module} is in no tier")))
        };
        let all = self.imports.iter().filter(|(module, _)| !module.is_empty());
        let pairs = all.flat_map(|(module, used)| used.iter().map(move |u| (module, u)));
        let wrong = pairs.filter(|(module, used)| {
            let ((own, at), (other, below)) = (tier(module), tier(used));
            own != other && below >= at
        });
        wrong.map(|(module, used)| format!("{module} imports {used}")).collect()
    }

    fn of_lists(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (module, used) in &self.written {
            let lists = LISTS.iter().filter(|list| module.starts_with(&format!("{list}/")) && used.contains(**list));
            wrong.extend(lists.map(|list| format!("{module} imports the list {list}")));
        }
        wrong
    }
}

type Module = Vec<String>;

/// What a file names of others.
struct Source {
    /// Paths as written, those of inline modules with a `super` less for each of these.
    paths: Vec<Vec<String>>,
    /// What a `mod.rs` hands on: the name, and where it is from.
    handed_on: BTreeMap<String, Vec<String>>,
}

impl Source {
    fn of(text: &str, face: bool) -> Source {
        let tokens = tokens(&code(text));
        let (mut paths, mut handed_on) = (Vec::new(), BTreeMap::new());
        let (mut depth, mut inline) = (0, Vec::new());
        let mut i = 0;
        while i < tokens.len() {
            let at = |k: usize| tokens.get(k).map_or("", String::as_str);
            match at(i) {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    inline.retain(|inner| *inner <= depth);
                }
                "mod" if at(i + 2) == "{" => inline.push(depth + 1),
                // The reach of an item, no import.
                "pub" if at(i + 1) == "(" && at(i + 2) == "in" => {
                    i += tokens[i..].iter().position(|t| t == ")").unwrap()
                }
                "use" => {
                    let end = i + tokens[i..].iter().position(|t| t == ";").unwrap();
                    let hands_on = face && inline.is_empty() && i > 0 && matches!(at(i - 1), "pub" | ")");
                    for (path, name) in leaves(&tokens[i + 1..end]) {
                        if hands_on {
                            handed_on.insert(name, path);
                        } else {
                            paths.push(outside(path, inline.len()));
                        }
                    }
                    i = end;
                }
                word if is_word(word) && at(i + 1) == "::" && (i == 0 || at(i - 1) != "::") => {
                    let mut path = vec![word.to_owned()];
                    while at(i + 1) == "::" && is_word(at(i + 2)) {
                        path.push(at(i + 2).to_owned());
                        i += 2;
                    }
                    paths.push(outside(path, inline.len()));
                }
                _ => {}
            }
            i += 1;
        }
        Source { paths, handed_on }
    }
}

/// A path in so many inline modules, as the file itself would write it.
fn outside(path: Vec<String>, inline: usize) -> Vec<String> {
    let supers = path.iter().take_while(|s| *s == "super").count().min(inline);
    let mut outer = path[supers..].to_vec();
    if supers > 0 && outer.first().is_none_or(|s| s != "super") {
        outer.insert(0, "self".into());
    }
    outer
}

/// The paths of a `use` tree, each with the name that it gets.
fn leaves(tree: &[String]) -> Vec<(Vec<String>, String)> {
    let Some(brace) = tree.iter().position(|t| t == "{") else {
        let alias = tree.iter().position(|t| t == "as");
        let mut path: Vec<String> =
            tree[..alias.unwrap_or(tree.len())].iter().filter(|t| is_word(t) || *t == "*").cloned().collect();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self" || last == "*") {
            path.pop();
        }
        let name = alias.map_or(path.last().cloned(), |a| tree.get(a + 1).cloned());
        return if path.is_empty() { Vec::new() } else { vec![(path, name.unwrap_or_default())] };
    };
    let head: Vec<String> = tree[..brace].iter().filter(|t| is_word(t)).cloned().collect();
    let (mut depth, mut start, mut all) = (0, brace + 1, Vec::new());
    for (i, token) in tree.iter().enumerate().skip(brace + 1) {
        match token.as_str() {
            "," | "}" if depth == 0 => {
                all.extend(leaves(&tree[start..i]));
                start = i + 1;
            }
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
    }
    let join = |(path, name): (Vec<String>, String)| {
        let own = path == ["self"];
        let path = if own { head.clone() } else { [&head[..], &path].concat() };
        let name = if own { head.last().cloned().unwrap_or_default() } else { name };
        (path, name)
    };
    all.into_iter().map(join).collect()
}

/// The path from the crate's root; `None`: it is of another crate, or a name of the file's own.
fn absolute(path: &[String], module: &Module, read: &BTreeMap<Module, Source>) -> Option<Vec<String>> {
    let mut base = module.clone();
    let mut rest = path;
    match path[0].as_str() {
        "crate" => (base, rest) = (Vec::new(), &path[1..]),
        "self" | "super" => {
            while let [first, more @ ..] = rest
                && matches!(first.as_str(), "self" | "super")
            {
                if first == "super" {
                    base.pop()?;
                }
                rest = more;
            }
        }
        child if !read.contains_key(&[&module[..], &[child.to_owned()]].concat()) => return None,
        _ => {}
    }
    base.extend_from_slice(rest);
    Some(base)
}

/// The file that a path from the root leads to; with `follow` the one that its name comes from.
fn target(path: &[String], follow: bool, read: &BTreeMap<Module, Source>) -> Module {
    let n = (0..=path.len()).rev().find(|n| read.contains_key(&path[..*n])).unwrap_or(0);
    let module = path[..n].to_vec();
    let from = path.get(n).and_then(|name| read.get(&module)?.handed_on.get(name)).filter(|_| follow);
    match from.and_then(|from| absolute(from, &module, read)) {
        Some(from) => target(&[&from[..], &path[n + 1..]].concat(), true, read),
        None => module,
    }
}

/// Without comments, texts and tests.
fn code(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let tests = |i: &usize| {
        lines[*i] == "#[cfg(test)]"
            && lines[i + 1..].iter().find(|l| !l.starts_with('#')).is_some_and(|l| l.contains("mod tests"))
    };
    let end = (0..lines.len()).find(tests).unwrap_or(lines.len());
    let text = lines[..end].iter().flat_map(|l| [*l, "\n"]).collect::<String>();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if c == '"' {
            let mut escaped = false;
            let close = rest[1..].find(|c| {
                let closes = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                closes
            });
            close.map_or(rest.len(), |close| close + 2)
        } else if rest.starts_with("'\"'") || rest.starts_with("'{'") || rest.starts_with("'}'") {
            3
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.push(' ');
        rest = &rest[skip..];
    }
    out
}

/// Words, `::`, and single marks.
fn tokens(code: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = code.trim_start();
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("::") {
            2
        } else if is_word(&c.to_string()) {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else {
            c.len_utf8()
        };
        all.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    all
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn segments(module: &str) -> Module {
    module.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
