//! Imports point one way: a module uses those of earlier tiers only, and none of its own tier. Tests (at the end of a
//! file, or in `tests.rs`) may look anywhere.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From the ground up. `stats` stands low because it knows numbers and nothing of what they measure.
const TIERS: [&[&str]; 11] = [
    &["error"],
    &["units"],
    &["media", "model", "sdp", "stats"],
    &["codec", "rtp", "net", "metric"],
    &["corpus", "playout", "peer"],
    &["plan"],
    &["call", "latency", "cost"],
    &["store"],
    &["run"],
    &["report"],
    &["cli"],
];

#[test]
fn imports_point_one_way() {
    let tier: BTreeMap<&str, usize> =
        TIERS.iter().enumerate().flat_map(|(i, names)| names.iter().map(move |n| (*n, i))).collect();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in sources(&src) {
        let inner = path.strip_prefix(&src).unwrap();
        let first = inner.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        if matches!(module, "lib" | "main") || inner.ends_with("tests.rs") {
            continue;
        }
        let own = tier.get(module).unwrap_or_else(|| panic!("{} is in no tier", inner.display()));
        for used in used(&std::fs::read_to_string(&path).unwrap()) {
            // The crate's root exports the error type under its usual names.
            let used = if matches!(used.as_str(), "Error" | "Result") { "error" } else { &used };
            let used_tier =
                tier.get(used).unwrap_or_else(|| panic!("{}: crate::{used} is in no tier", inner.display()));
            seen += 1;
            if used != module && used_tier >= own {
                wrong.push(format!("src/{} uses crate::{used}", inner.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} imports found: does this test still read them?");
    assert!(wrong.is_empty(), "against the direction:\n{}", wrong.join("\n"));
}

#[test]
fn every_way_to_write_an_import_is_read() {
    let text = "use crate::{Error, net::{spec::X, loss}, units as u};\n//! crate::cli\nfn f(x: crate::plan::Case) {}\n\
                use crate::codec::opus;\n#[cfg(test)]\nmod tests {\n    use crate::cli;\n}\n";
    assert_eq!(used(text).into_iter().collect::<Vec<_>>(), ["Error", "codec", "net", "plan", "units"]);
}

/// The names that follow `crate::`, alone or at the top of a braced group.
fn used(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let code: String = lines.flat_map(|l| [l, "\n"]).collect();
    let name = |t: &str| t.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            names.insert(name(after));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    names.insert(name(&group[i..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    names
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
