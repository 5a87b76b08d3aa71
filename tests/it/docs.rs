//! The documentation stays true: its links lead somewhere, its commands have options that exist, and print what the pages
//! say. CONTRIBUTING.md, "Documentation", says how blocks are marked.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use crate::pages::{Block, Command, Page, mismatch, pages, root, words};
use clap::Parser;
use codecbench::codec::{self, Request};
use codecbench::media::wav;
use codecbench::peer::Transport;
use codecbench::plan::{Plan, Setting};
use codecbench::playout::audio::Receiver;
use codecbench::units::Seed;
use codecbench::{call, corpus};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn the_front_page_is_short() {
    let readme = &pages()[0];
    assert!(readme.lines.len() <= 150, "{} has {} lines", readme.path.display(), readme.lines.len());
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in &pages {
        for (line, link) in page.links() {
            seen += 1;
            if let Err(why) = leads_somewhere(&pages, page, &link) {
                wrong.push(format!("{}:{line}: {link}: {why}", page.path.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} links found: does this test still read them?");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_that_are_named_exist() {
    let folders = ["src/", "tests/", "scripts/", "plans/", "examples/", "benches/", "corpora/", "docs/"];
    let mut wrong = Vec::new();
    let mut seen = 0;
    // What a changelog names may be gone.
    for page in pages().iter().filter(|p| !p.path.ends_with("CHANGELOG.md")) {
        for (line, code) in page.code() {
            let named = code.split(' ').next().unwrap_or_default();
            let pattern = named.contains('*') || named.contains("NAME");
            if pattern || !folders.iter().any(|folder| named.starts_with(folder)) {
                continue;
            }
            seen += 1;
            if !root().join(named).exists() {
                wrong.push(format!("{}:{line}: there is no {named}", page.path.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} files found: does this test still read them?");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn leads_somewhere(pages: &[Page], page: &Page, link: &str) -> Result<(), String> {
    if link.starts_with("https://") {
        return Ok(());
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(p, a)| (p, Some(a)));
    let target = match path {
        "" => page.path.clone(),
        path => plain(&page.path.parent().unwrap_or(Path::new("")).join(path)),
    };
    if !root().join(&target).exists() {
        return Err("there is no such file".into());
    }
    if page.path.starts_with("docs") && !target.starts_with("docs") {
        return Err("the book holds nothing but docs/".into());
    }
    let Some(anchor) = anchor else { return Ok(()) };
    let there = pages.iter().find(|p| p.path == target).ok_or("no page that this test reads")?.anchors();
    if there.iter().any(|a| a == anchor) { Ok(()) } else { Err(format!("no such heading; there are {there:?}")) }
}

/// Without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(parts.pop(), "{} leads out of the repository", path.display()),
            other => parts.push(other),
        }
    }
    parts
}

#[test]
fn every_page_of_the_book_stands_in_its_summary() {
    let pages = pages();
    let summary = pages.iter().find(|p| p.path.ends_with("SUMMARY.md")).unwrap();
    let listed: Vec<PathBuf> = summary.links().into_iter().map(|(_, link)| Path::new("docs").join(link)).collect();
    for page in pages.iter().filter(|p| p.path.starts_with("docs") && !p.path.ends_with("SUMMARY.md")) {
        assert!(listed.contains(&page.path), "{} is not in docs/SUMMARY.md", page.path.display());
    }
}

#[test]
fn the_book_builds_where_mdbook_is_installed() {
    let out = tempfile::tempdir().unwrap();
    let mut mdbook = std::process::Command::new("mdbook");
    match mdbook.arg("build").arg(root().join("docs")).arg("--dest-dir").arg(out.path()).output() {
        Ok(built) => {
            let log = String::from_utf8_lossy(&[built.stderr, built.stdout].concat()).into_owned();
            assert!(built.status.success() && !log.contains("WARN") && !log.contains("ERROR"), "{log}");
            assert!(out.path().join("gallery.html").is_file() && out.path().join("charts/lte-delay.png").is_file());
        }
        Err(_) => eprintln!("docs: NO mdbook: the book is not built"),
    }
}

#[test]
fn commands_have_options_that_exist() {
    let pages = pages();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for block in pages.iter().flat_map(Page::blocks) {
        let lines: Vec<String> = match block.info.split(',').next() {
            Some("console") => block.commands().into_iter().map(|c| c.line).collect(),
            Some("sh") => block.calls().into_iter().map(str::to_owned).collect(),
            _ => continue,
        };
        for line in lines {
            seen += 1;
            if let Err(e) = codecbench::cli::Cli::try_parse_from(words(&line))
                && e.use_stderr()
            {
                wrong.push(format!("{}: {line}\n{e}", block.place()));
            }
        }
    }
    assert!(seen > 40, "only {seen} commands found: does this test still read them?");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn commands_print_what_the_pages_say() {
    run_blocks(|info| info == "console", None);
}

#[test]
fn commands_on_fetched_clips_print_what_the_pages_say() {
    match cache() {
        Some(cache) => run_blocks(|info| info == "console,corpora", Some(cache)),
        None => eprintln!("docs: NO FETCHED CLIPS (codecbench corpora fetch): their commands are not run"),
    }
}

#[test]
#[ignore = "takes minutes, and the fetched clips"]
fn recorded_commands_print_what_the_pages_say() {
    run_blocks(|info| info == "console,recorded", Some(cache().expect("codecbench corpora fetch")));
}

/// What no test of every day compares is told to the reader.
#[test]
fn recorded_outputs_are_listed() {
    let pages = pages();
    let known = ["console", "console,corpora", "console,recorded"];
    let consoles = || pages.iter().flat_map(Page::blocks).filter(|b| b.info.starts_with("console"));
    for block in consoles() {
        assert!(known.contains(&block.info), "{}: {} is none of {known:?}", block.place(), block.info);
    }
    let recorded = consoles().filter(|b| b.info == "console,recorded");
    let item = |block: &Block<'_>, c: &Command| format!("- {}: `{}`", block.page.path.display(), c.line);
    let expected: Vec<String> =
        recorded.flat_map(|b| b.commands().iter().map(|c| item(&b, c)).collect::<Vec<_>>()).collect();
    let validation = pages.iter().find(|p| p.path.ends_with("validation.md")).unwrap();
    let list = validation.lines.iter().skip_while(|l| *l != "## The commands in this guide");
    let listed: Vec<&String> = list.filter(|l| l.starts_with("- ")).collect();
    assert_eq!(listed, expected.iter().collect::<Vec<_>>(), "docs/validation.md, at its end");
}

#[test]
fn a_wrong_output_is_found() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let got = ["metric   value", "pesq-wb  3.214", "si-sdr   10.0", "done"];
    let told = |expected: &str| mismatch(&lines(expected), &got);
    for right in [
        "metric   value\npesq-wb  3.214\nsi-sdr   10.0\ndone",
        "metric   value\n...",
        "...\npesq-wb  3[..]\n...\ndone",
        "...\ndone\n...",
        "[..]\npesq[..]3.[..]\n...",
    ] {
        assert_eq!(told(right), None, "{right}");
    }
    assert_eq!(told("metric   value\npesq-wb  3.215\n..."), Some(1));
    assert_eq!(told("...\npesq-wb  4[..]\n..."), Some(4));
    assert_eq!(told("metric   value\npesq-wb  3.214\nsi-sdr   10.0"), Some(3));
    assert_eq!(told("...\ndone\nand more"), Some(4));
    assert_eq!(told(""), Some(0));
    assert_eq!(
        words("codecbench fmtp 'a;b={1,2}' --net 'loss 5%' '' # so | so"),
        ["codecbench", "fmtp", "a;b={1,2}", "--net", "loss 5%", ""]
    );
}

/// Runs the commands of all blocks that are marked so, in a folder for each page, with an empty cache or `cache`. With
/// CODECBENCH_DOCS=write what they print is written into the pages where it differs.
fn run_blocks(marked: impl Fn(&str) -> bool, cache: Option<PathBuf>) {
    let write = std::env::var_os("CODECBENCH_DOCS").is_some_and(|v| v == "write");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let blocks: Vec<Block<'_>> = page.blocks().into_iter().filter(|b| marked(b.info)).collect();
        if blocks.is_empty() {
            continue;
        }
        let folder = furnished();
        let empty = folder.path().join("no-cache");
        let mut edits = Vec::new();
        for (block, command) in blocks.iter().flat_map(|b| b.commands().into_iter().map(move |c| (b, c))) {
            seen += 1;
            let (code, printed) = run(folder.path(), &command.line, cache.as_deref().unwrap_or(&empty));
            let got: Vec<&str> = printed.lines().map(str::trim_end).collect();
            let place = format!("{}: $ {}", block.place(), command.line);
            if code != Some(command.exit_code) {
                wrong.push(format!("{place}\nexit code {code:?}, not {}\n{printed}", command.exit_code));
            } else if let Some(at) = mismatch(&command.expected, &got) {
                wrong.push(format!("{place}\nline {} of its output is not in the page:\n{printed}", at + 1));
                edits.push((command.place, got.iter().map(|l| (*l).to_owned()).collect::<Vec<String>>()));
            }
        }
        if write && !edits.is_empty() {
            let mut lines = page.lines.clone();
            for (place, output) in edits.into_iter().rev() {
                lines.splice(place, output);
            }
            std::fs::write(root().join(&page.path), lines.join("\n") + "\n").unwrap();
        }
    }
    assert!(seen > 0, "no command found: does this test still read them?");
    assert!(wrong.is_empty(), "{} of {seen} commands:\n\n{}", wrong.len(), wrong.join("\n"));
}

/// Exit code, and standard error before standard output.
fn run(folder: &Path, line: &str, cache: &Path) -> (Option<i32>, String) {
    let words = words(line);
    assert_eq!(words[0], "codecbench", "{line}");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_codecbench"));
    command.args(&words[1..]).current_dir(folder).env("CODECBENCH_CACHE", cache).env_remove("CODECBENCH_VECTORS");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned())
}

/// A folder with what the pages take for granted: the plans that come with the program; the plan that docs/plans.md shows,
/// and one with a mistake; an artificial voice, and what is left of it after a call.
fn furnished() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("plans")).unwrap();
    for plan in std::fs::read_dir(root().join("plans")).unwrap().map(|e| e.unwrap().path()) {
        std::fs::copy(&plan, path("plans").join(plan.file_name().unwrap())).unwrap();
    }
    let plan = Plan {
        name: "degraded".into(),
        clips: corpus::clip("synth-voice-1").unwrap(),
        // G.711, whose integers are the same on every machine.
        settings: vec![Setting::new("", codec::audio("PCMU").unwrap(), Request::default())],
        receivers: vec![Receiver::default()],
        networks: vec!["delay 40ms 10ms loss 5%".parse().unwrap()],
        seeds: vec![Seed(1)],
        warm_up: Duration::from_secs(1),
        metrics: Vec::new(),
        transport: Transport::Virtual,
        left_out: Vec::new(),
    };
    let call = call::run(&plan.case(0).unwrap()).unwrap();
    wav::write(&path("reference.wav"), &call.reference).unwrap();
    wav::write(&path("degraded.wav"), &call.degraded).unwrap();
    let guide = pages().into_iter().find(|p| p.path.ends_with("plans.md")).unwrap();
    let shown = guide.blocks().into_iter().find(|b| b.info == "toml").unwrap();
    std::fs::write(path("fec.toml"), guide.lines[shown.lines].join("\n")).unwrap();
    let wrong = "clips = \"synth\"\n[[settings]]\ncodec = \"opus\"\nbitrat = 9000\n";
    std::fs::write(path("wrong.toml"), wrong).unwrap();
    folder
}

/// Where the fetched clips are: $CODECBENCH_CACHE, or the checkout's own cache.
fn cache() -> Option<PathBuf> {
    let set = std::env::var_os("CODECBENCH_CACHE").filter(|v: &OsString| !v.is_empty()).map(PathBuf::from);
    let cache = set.unwrap_or_else(|| root().join(".cache"));
    cache.join("corpora").is_dir().then_some(cache)
}
