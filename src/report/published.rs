//! What published listening tests found, beside what was measured here: a metric that orders codecs otherwise than people
//! did should not be believed about them, and the report says so.
//!
//! The figures are means of listeners' scores as their authors printed them; tests of other material, talkers and encoder
//! versions than ours, so that only the order of two codecs is compared, and only where the listeners told them apart.

use super::delta::Curves;
use super::view::View;
use crate::media::Content;
use crate::report::view::Published;
use crate::stats::{Entries, Judged, Prefer, Question, Verdict, judge, paired};

/// A listening test: conditions as (codec, kbit/s, mean score), and from which difference on listeners told them apart.
struct Test {
    name: &'static str,
    content: Content,
    scores: &'static [(&'static str, f64, f64)],
    apart: f64,
}

/// Google's tests were MUSHRA (0 to 100), 9 to 17 listeners, whose intervals were some 5 points wide; Hydrogenaudio's were
/// of 5 points, hundreds of listeners, intervals of about 0.1.
const TESTS: [Test; 7] = [
    Test {
        name: "Google 2011, English narrow-band speech (MUSHRA, 17 listeners)",
        content: Content::Speech,
        scores: &[("opus", 11.0, 55.6), ("iLBC", 15.2, 48.6), ("speex", 11.0, 45.5)],
        apart: 3.0,
    },
    Test {
        name: "Google 2011, English wide-band and full-band speech (MUSHRA, 17 listeners)",
        content: Content::Speech,
        scores: &[("opus", 32.0, 97.2), ("opus", 19.85, 77.9), ("AMR-WB", 19.85, 66.6), ("speex", 23.8, 45.5)],
        apart: 3.0,
    },
    Test {
        name: "Google 2011, Mandarin narrow-band speech (MUSHRA)",
        content: Content::Speech,
        scores: &[("opus", 11.0, 77.9), ("iLBC", 15.2, 76.8), ("speex", 11.0, 63.6)],
        apart: 3.0,
    },
    Test {
        name: "Google 2011, Mandarin wide-band and full-band speech (MUSHRA)",
        content: Content::Speech,
        scores: &[("opus", 32.0, 98.1), ("opus", 19.85, 81.6), ("speex", 23.8, 53.6)],
        apart: 3.0,
    },
    Test {
        name: "Google 2011, music in stereo; here mono (MUSHRA, 9 listeners)",
        content: Content::Music,
        scores: &[("opus", 128.0, 95.5), ("MP3", 96.0, 91.1), ("AAC-LC", 64.0, 90.7), ("opus", 64.0, 90.7)],
        apart: 3.0,
    },
    Test {
        name: "Hydrogenaudio 2011, 64 kbit/s, music in stereo; here mono (5 points)",
        content: Content::Music,
        scores: &[("opus", 64.0, 4.0), ("Vorbis", 64.0, 3.51)],
        apart: 0.15,
    },
    Test {
        name: "Hydrogenaudio 2014, 96 kbit/s, music in stereo; here mono (5 points)",
        content: Content::Music,
        scores: &[("opus", 107.0, 4.65), ("Vorbis", 106.0, 4.23), ("MP3", 136.0, 4.23)],
        apart: 0.15,
    },
];

/// How far, as a ratio, a setting's bitrate may lie from a test's.
const NEAR: f64 = 1.1;

impl Published {
    /// Whether the metric finds what people found.
    pub fn agreement(&self) -> &'static str {
        match self.judged.verdict {
            Verdict::Better => "agrees",
            Verdict::Worse => "DISAGREES with the listeners",
            Verdict::Same | Verdict::Negligible => "sees no difference where listeners did",
            _ => "not decided",
        }
    }
}

/// Every pair of conditions that listeners told apart and that the view has, by each of its qualities, without loss.
pub(super) fn all(view: &View, curves: &dyn Curves) -> Vec<Published> {
    let (mut found, mut questions) = (Vec::new(), Vec::new());
    let clean = |c: &usize, content| view.conditions[*c].content == content && view.conditions[*c].loss == 0.0;
    for test in &TESTS {
        let conditions = (0..view.conditions.len()).filter(|c| clean(c, test.content));
        let speaks = |m: &usize| view.speaks(*m, test.content);
        let qualities: Vec<usize> = view.qualities().into_iter().filter(speaks).collect();
        for (condition, measure) in conditions.flat_map(|c| qualities.iter().map(move |m| (c, *m))) {
            for (i, x) in test.scores.iter().enumerate() {
                for y in &test.scores[i + 1..] {
                    let (high, low) = if x.2 >= y.2 { (x, y) } else { (y, x) };
                    let of = |score: &(&str, f64, f64)| setting(view, condition, score.0, score.1);
                    let (Some(better), Some(worse)) = (of(high), of(low)) else { continue };
                    if high.2 - low.2 < test.apart {
                        continue;
                    }
                    let entries = |s| -> Entries<usize, ()> {
                        curves.clips(s, condition, measure).into_iter().map(|(c, v)| ((c, ()), Some(v))).collect()
                    };
                    let Some(paired) = paired(&entries(worse), &entries(better)) else { continue };
                    // Of qualities more is better.
                    let margin = view.measures[measure].margin;
                    questions.push(Question { paired, prefer: Prefer::Higher, margin });
                    found.push((test.name, better, worse, (high.2, low.2), condition, measure));
                }
            }
        }
    }
    let judged = judge(&questions);
    let told = |((found, question), judged): ((_, &Question), Judged)| {
        let (test, better, worse, scores, condition, measure) = found;
        Published { test, better, worse, scores, condition, measure, paired: question.paired, judged }
    };
    found.into_iter().zip(&questions).zip(judged).map(told).collect()
}

/// The setting of that codec whose measured bitrate is nearest to `kbps`; of several equally near the first, which is the
/// one with fewer wishes.
fn setting(view: &View, condition: usize, codec: &str, kbps: f64) -> Option<usize> {
    let bitrate = view.measure("payload-bitrate")?;
    let octaves = |s: &usize| -> Option<f64> { Some((view.summary(*s, condition, bitrate)?.mean / kbps).log2().abs()) };
    let of_codec = (0..view.settings.len()).filter(|s| view.settings[*s].codec == codec);
    let near = of_codec.filter_map(|s| Some((s, octaves(&s)?))).filter(|(_, far)| *far <= NEAR.log2());
    near.reduce(|a, b| if b.1 < a.1 - 1e-9 { b } else { a }).map(|(s, _)| s)
}
