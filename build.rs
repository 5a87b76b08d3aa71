//! What `codecbench --version` says of the build: commit, features, and the version of `rtc`, which does not tell its own.

use std::path::Path;
use std::process::Command;

/// All that the program is made of. It runs again where one of these changed, which compiles the crate anyway, and never
/// for a commit alone: what is built then is what was built before.
const SOURCES: [&str; 6] = ["src", "plans", "corpora", "Cargo.toml", "Cargo.lock", "build.rs"];

fn main() {
    for source in SOURCES.iter().filter(|s| Path::new(s).exists()) {
        println!("cargo:rerun-if-changed={source}");
    }
    println!("cargo:rustc-env=CODECBENCH_COMMIT={}", commit().unwrap_or_else(|| "unknown".into()));
    println!("cargo:rustc-env=CODECBENCH_FEATURES={}", features());
    println!("cargo:rustc-env=CODECBENCH_RTC={}", locked("rtc").unwrap_or_else(|| "unknown".into()));
}

/// "1f3a97c0d2e4", with a word where the sources differ from it. `None` outside of this repository's own checkout.
fn commit() -> Option<String> {
    // A copy of the sources may lie within another repository, whose commit would say nothing.
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&[&["status", "--porcelain", "--"], &SOURCES[..]].concat())?;
    Some(if changed.is_empty() { commit } else { format!("{commit} with changes") })
}

fn git(args: &[&str]) -> Option<String> {
    let output =
        Command::new("git").arg("--no-optional-locks").args(args).output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// "aac-fdk, speex"; "none".
fn features() -> String {
    let name = |(key, _): (String, String)| Some(key.strip_prefix("CARGO_FEATURE_")?.to_lowercase().replace('_', "-"));
    let mut names: Vec<String> = std::env::vars().filter_map(name).filter(|name| name != "default").collect();
    names.sort();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// The version of a package in Cargo.lock.
fn locked(name: &str) -> Option<String> {
    let lock = std::fs::read_to_string("Cargo.lock").ok()?;
    let rest = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""))?.1;
    Some(rest.split_once('"')?.0.to_owned())
}
