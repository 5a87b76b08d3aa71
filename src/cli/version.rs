//! `codecbench --version`: what this program was built from.

use super::output::table;
use crate::{codec, metric};
use std::sync::LazyLock;

/// The version in the first line, then commit, features, and the versions of what is linked.
pub fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let facts = [
            ("commit", env!("CODECBENCH_COMMIT").to_owned()),
            ("features", env!("CODECBENCH_FEATURES").to_owned()),
            ("calls", format!("rtc {}", env!("CODECBENCH_RTC"))),
            ("results", format!("SQLite {}", rusqlite::version())),
        ];
        let facts = facts.map(|(name, what)| vec![format!("{name}:"), what]);
        let linked = linked().into_iter().map(|(version, users)| vec![format!("{}:", users.join(", ")), version]);
        format!("{}\n{}\n{}", env!("CARGO_PKG_VERSION"), table(&facts), table(&linked.collect::<Vec<_>>()).trim_end())
    });
    &TEXT
}

/// The implementations of codecs and metrics of this build, each once, with what is made of it.
fn linked() -> Vec<(String, Vec<&'static str>)> {
    let audio = codec::AUDIO.iter().filter(|c| c.is_built()).map(|c| (c.name, (c.version)()));
    let video = codec::VIDEO.iter().filter(|c| c.is_built()).map(|c| (c.name, (c.version)()));
    let heard = metric::AUDIO.iter().map(|m| (m.scale.id, (m.version)()));
    let seen = metric::VIDEO.iter().map(|m| (m.scale.id, (m.version)()));
    let mut all: Vec<(String, Vec<&'static str>)> = Vec::new();
    for (name, version) in audio.chain(video).chain(heard).chain(seen) {
        match all.iter_mut().find(|(known, _)| *known == version) {
            Some((_, users)) => users.push(name),
            None => all.push((version, vec![name])),
        }
    }
    all
}
