//! What each parameter did, and what follows, in words made of the figures alone.

use crate::report::answer::axes;
use crate::report::{Comparison, Seen, Setting, View};
use crate::sdp::fmtp::Fmtp;
use crate::stats::Verdict;

/// What a call showed of one setting, beside its packets. `None`: not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// In percent.
    pub network_loss: Option<f64>,
    /// Lost packets replaced out of LBRR, in percent of all.
    pub recovered: Option<f64>,
    /// In kbit/s.
    pub payload_bitrate: Option<f64>,
}

impl Facts {
    pub fn of(view: &View, setting: usize, condition: usize) -> Facts {
        let mean = |id| Some(view.summary(setting, condition, view.measure(id)?)?.mean);
        Facts {
            network_loss: mean("network-loss"),
            recovered: mean("recovered"),
            payload_bitrate: mean("payload-bitrate"),
        }
    }
}

/// A sentence for each parameter of an Opus or a video line that this sender reads: what it was set to, what its packets show, and
/// why where the figures tell. Parameters that were changed or not read are among the setting's changes.
pub fn explain(fmtp: &Fmtp, setting: &Setting, seen: &Seen, facts: Facts) -> Vec<String> {
    let refused = |name: &str| {
        let of = |requested: &str| requested.split('=').next() == Some(name);
        setting.changes.iter().any(|c| of(&c.requested) && c.effective == "ignored")
    };
    let read = fmtp.iter().filter(|(name, _)| !refused(name));
    let told = read.filter_map(|(name, value)| {
        let value = value.unwrap_or_default();
        let sentence = match &seen.pictures {
            Some(pictures) => super::video::parameter(name, value, pictures),
            None => parameter(name, value == "1", setting, seen, facts),
        };
        Some(format!("{name}={value}: {}", sentence?))
    });
    told.collect()
}

fn parameter(name: &str, on: bool, setting: &Setting, seen: &Seen, facts: Facts) -> Option<String> {
    let effective = |name: &str| setting.effective.get(name).map(|values| values.join(" or "));
    Some(match name {
        "useinbandfec" if on => in_band_fec(seen, facts)?,
        "useinbandfec" => "off: no packet carries LBRR, what is lost is concealed".into(),
        "usedtx" if on => match seen.dtx? {
            share if percent(share) == "0" => {
                "on, but 0 % of packets were DTX: the encoder found no pause long enough".into()
            }
            share => format!("on: {} % of the packets sent were DTX", percent(share)),
        },
        "usedtx" => "off: pauses are sent like speech".into(),
        "maxaveragebitrate" => {
            let bitrate = effective("bitrate").map_or(String::new(), |b| format!("the target is {b}"));
            let measured = facts.payload_bitrate.map(|k| format!("the packets held {k:.1} kbit/s"));
            [Some(bitrate).filter(|b| !b.is_empty()), measured].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        "maxplaybackrate" => {
            let bands: Vec<String> =
                seen.bandwidths.iter().map(|(band, share)| format!("{band} {} %", percent(*share))).collect();
            format!("the packets were {}", Some(bands).filter(|b| !b.is_empty())?.join(", "))
        }
        "stereo" => match (on, seen.channels.as_slice()) {
            (_, []) => return None,
            (true, [1]) => "on, but the packets hold one channel: the encoder found nothing in two".into(),
            (true, _) => "on: the packets hold two channels".into(),
            (false, _) => "off: the packets hold one channel".into(),
        },
        "cbr" if on => "on: every packet has the size of the target".into(),
        "cbr" => "off: packets are as large as their sound needs".into(),
        "ptime" => format!("packets of {} ms", seen.frame_ms?),
        _ => return None,
    })
}

fn in_band_fec(seen: &Seen, facts: Facts) -> Option<String> {
    let share = seen.fec?;
    let lost = facts.network_loss;
    if percent(share) != "0" {
        let recovered = facts.recovered.filter(|r| *r >= 0.05);
        let used =
            recovered.map_or(String::new(), |r| format!("; it filled {r:.1} % of the time, where packets were lost"));
        return Some(format!("on: {} % of packets carried LBRR{used}", percent(share)));
    }
    let celt = seen.modes.iter().any(|(mode, share)| mode == "CELT" && *share > 0.995);
    let why = match lost {
        Some(loss) if loss < 0.005 => "because the encoder saw no loss".to_owned(),
        _ if celt => "because all packets are CELT, which has no LBRR".to_owned(),
        Some(loss) => format!("though {loss:.1} % were lost: the bitrate or the reported loss did not suffice"),
        None => "and the loss is not known".to_owned(),
    };
    Some(format!("on, but 0 % of packets carried LBRR {why}"))
}

/// A share of 0 to 1, in whole percent.
fn percent(share: f64) -> String {
    format!("{:.0}", 100.0 * share)
}

/// One sentence for a condition: the setting that is surely no worse than any other in quality, delay and bitrate and
/// surely better in one; else what the trade is, or why nothing can be said.
pub fn recommend(view: &View, condition: usize) -> String {
    let n = view.settings.len();
    // CPU time has no interval.
    let axes = axes(view);
    let compared: Vec<&Comparison> =
        view.comparisons.iter().filter(|c| c.condition == condition && axes.contains(&c.measure)).collect();
    let title = |c: &&Comparison| view.measures[c.measure].title.clone();
    if compared.is_empty() || compared.iter().any(|c| matches!(c.judged.verdict, Verdict::TooFew { .. })) {
        return "No recommendation: there are no verdicts.".into();
    }
    // B against A as judged, or the other way round.
    let against = |x: usize, y: usize| {
        compared.iter().filter_map(move |c| match (c.a == y && c.b == x, c.a == x && c.b == y) {
            (true, _) => Some(c.judged.verdict),
            (_, true) => Some(match c.judged.verdict {
                Verdict::Better => Verdict::Worse,
                Verdict::Worse => Verdict::Better,
                other => other,
            }),
            _ => None,
        })
    };
    let beats = |x: usize, y: usize| {
        let verdicts: Vec<Verdict> = against(x, y).collect();
        let no_worse = |v: &Verdict| matches!(v, Verdict::Better | Verdict::Same | Verdict::Negligible);
        !verdicts.is_empty() && verdicts.iter().all(no_worse) && verdicts.contains(&Verdict::Better)
    };
    let others = |x: usize| (0..n).filter(move |y| *y != x);
    if let Some(best) = (0..n).find(|x| others(*x).all(|y| beats(*x, y))) {
        let gains: Vec<String> = compared
            .iter()
            .filter(|c| {
                (c.a == best && c.judged.verdict == Verdict::Worse)
                    || (c.b == best && c.judged.verdict == Verdict::Better)
            })
            .map(title)
            .fold(Vec::new(), |mut all, t| {
                if !all.contains(&t) {
                    all.push(t);
                }
                all
            });
        return format!(
            "Recommended: {}. It is better in {} and no worse in the rest of quality, delay and bitrate.",
            view.settings[best].label,
            gains.join(", ")
        );
    }
    let open: Vec<String> =
        compared.iter().filter(|c| matches!(c.judged.verdict, Verdict::Undecided(_))).map(title).collect();
    if let ([a, b], false) = (&view.settings[..], compared.iter().all(|c| !c.judged.verdict.differs())) {
        let of = |wanted: Verdict| -> String {
            let titles: Vec<String> = compared.iter().filter(|c| c.judged.verdict == wanted).map(title).collect();
            if titles.is_empty() { "nothing".into() } else { titles.join(", ") }
        };
        let open = if open.is_empty() { String::new() } else { format!(" Not decided: {}.", open.join(", ")) };
        let (for_b, for_a) = (of(Verdict::Better), of(Verdict::Worse));
        return format!(
            "No recommendation, but a choice: {} is better in {for_b}, {} in {for_a}.{open}",
            b.label, a.label
        );
    }
    if compared.iter().all(|c| matches!(c.judged.verdict, Verdict::Same | Verdict::Negligible)) {
        return "No recommendation: in quality, delay and bitrate they do not measurably differ.".into();
    }
    if n > 2 {
        return "No recommendation: none is surely no worse than every other in quality, delay and bitrate.".into();
    }
    format!("No recommendation: not decided: {}.", open.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Change, ChangeKind};
    use crate::media::Content;
    use crate::net::spec::Shown;
    use crate::plan::{Outcome, Scores};
    use crate::report::{Compare, Extras};
    use crate::units::Seed;

    fn setting(effective: &[(&str, &str)]) -> Setting {
        Setting {
            label: "A".into(),
            codec: "opus".into(),
            codec_version: String::new(),
            requested: String::new(),
            effective: effective.iter().map(|(k, v)| ((*k).to_owned(), vec![(*v).to_owned()])).collect(),
            changes: Vec::new(),
            colour: 0,
        }
    }

    fn told(line: &str, seen: Seen, facts: Facts) -> String {
        explain(&line.parse().unwrap(), &setting(&[("bitrate", "12000 bit/s")]), &seen, facts).join("\n")
    }

    #[test]
    fn in_band_fec_is_explained_by_what_the_encoder_saw() {
        let seen = |fec, mode: &str| Seen { fec: Some(fec), modes: vec![(mode.into(), 1.0)], ..Seen::default() };
        let facts = |loss| Facts { network_loss: Some(loss), recovered: Some(3.12), ..Facts::default() };
        let line = "useinbandfec=1";
        assert_eq!(
            told(line, seen(0.0, "SILK"), facts(0.0)),
            "useinbandfec=1: on, but 0 % of packets carried LBRR because the encoder saw no loss"
        );
        assert!(told(line, seen(0.0, "CELT"), facts(5.0)).ends_with("because all packets are CELT, which has no LBRR"));
        assert!(told(line, seen(0.0, "SILK"), facts(5.0)).contains("though 5.0 % were lost"));
        assert_eq!(
            told(line, seen(0.573, "SILK"), facts(5.0)),
            "useinbandfec=1: on: 57 % of packets carried LBRR; it filled 3.1 % of the time, where packets were lost"
        );
        assert!(told("useinbandfec=0", Seen::default(), facts(5.0)).contains("off"));
        // Of packets that do not tell, nothing is told.
        assert_eq!(told(line, Seen::default(), facts(5.0)), "");
    }

    #[test]
    fn every_parameter_that_is_read_has_its_sentence() {
        let seen = Seen {
            frame_ms: Some(40.0),
            channels: vec![1],
            bandwidths: vec![("wideband".into(), 0.9), ("narrowband".into(), 0.1)],
            dtx: Some(0.0),
            ..Seen::default()
        };
        let facts = Facts { payload_bitrate: Some(11.87), ..Facts::default() };
        let line = "maxaveragebitrate=12000;maxplaybackrate=16000;usedtx=1;stereo=1;cbr=0;ptime=40;minptime=10";
        assert_eq!(
            told(line, seen, facts),
            "maxaveragebitrate=12000: the target is 12000 bit/s, the packets held 11.9 kbit/s\n\
             maxplaybackrate=16000: the packets were wideband 90 %, narrowband 10 %\n\
             usedtx=1: on, but 0 % of packets were DTX: the encoder found no pause long enough\n\
             stereo=1: on, but the packets hold one channel: the encoder found nothing in two\n\
             cbr=0: off: packets are as large as their sound needs\n\
             ptime=40: packets of 40 ms"
        );
    }

    #[test]
    fn what_was_not_read_is_left_to_the_changes() {
        let mut setting = setting(&[]);
        let (requested, effective) = ("ptime=40".into(), "ignored".into());
        setting.changes.push(Change { requested, effective, kind: ChangeKind::Ignored, reason: String::new() });
        let seen = Seen { frame_ms: Some(20.0), ..Seen::default() };
        assert!(explain(&"ptime=40".parse().unwrap(), &setting, &seen, Facts::default()).is_empty());
    }

    const CLIPS: u64 = 8;

    /// What `recommend` says of settings with a label, a quality, a delay and a bitrate each. Clips differ by up to `spread`
    /// in quality, each setting in its own way.
    fn recommended(settings: &[(&str, f64, f64, f64)], clips: u64, spread: f64) -> String {
        let outcome = |clip: u64, (s, (label, quality, delay, bitrate)): (usize, &(&str, f64, f64, f64))| Outcome {
            key: String::new(),
            index: 0,
            clip: format!("clip-{clip}"),
            content: Content::Speech,
            codec: "opus".into(),
            codec_version: "opus 1.0".into(),
            label: (*label).into(),
            requested: format!("opus {label}"),
            net: "delay 40ms loss 5%".into(),
            net_shown: Shown::of("delay 40ms loss 5%"),
            net_loss: 5.0,
            receiver: "fixed:60ms".into(),
            warm_up_ms: 0.0,
            seed: 1,
            result: Ok(Scores {
                values: [
                    ("pesq-wb", quality + spread * (Seed(s as u64).draw_unit("clip", &[clip]) - 0.5)),
                    ("mouth-to-ear-clock", *delay),
                    ("wire-bitrate", *bitrate),
                ]
                .map(|(id, value)| (id.to_owned(), value))
                .into(),
                ..Scores::default()
            }),
        };
        let all = (0..clips).flat_map(|clip| settings.iter().enumerate().map(move |s| Ok(outcome(clip, s))));
        let view = View::build(all, Extras { compare: Compare::WithFirst, ..Extras::default() }).unwrap();
        recommend(&view, 0)
    }

    #[test]
    fn what_is_better_in_one_and_no_worse_in_the_rest_is_recommended() {
        let text = recommended(&[("A", 4.0, 110.0, 50.0), ("B", 3.5, 110.0, 50.0)], CLIPS, 0.05);
        assert!(text.starts_with("Recommended: A. It is better in PESQ wide-band and no worse"), "{text}");
        let text = recommended(&[("A", 4.0, 110.0, 50.0), ("B", 4.0, 90.0, 40.0)], CLIPS, 0.02);
        assert!(
            text.starts_with("Recommended: B. It is better in wire bitrate, mouth-to-ear")
                || text.starts_with("Recommended: B. It is better in mouth-to-ear"),
            "{text}"
        );
        let three = [("A", 3.0, 110.0, 50.0), ("B", 4.0, 110.0, 50.0), ("C", 3.5, 110.0, 50.0)];
        assert!(recommended(&three, CLIPS, 0.05).starts_with("Recommended: B."));
    }

    #[test]
    fn a_trade_is_a_choice_and_no_recommendation() {
        let text = recommended(&[("A", 4.0, 110.0, 50.0), ("B", 3.5, 110.0, 40.0)], CLIPS, 0.05);
        let choice = "No recommendation, but a choice: B is better in wire bitrate, A in PESQ wide-band.";
        assert_eq!(text, choice);
        let three = [("A", 4.0, 110.0, 50.0), ("B", 3.5, 110.0, 40.0), ("C", 3.0, 110.0, 30.0)];
        assert!(recommended(&three, CLIPS, 0.05).starts_with("No recommendation: none is surely no worse"));
    }

    #[test]
    fn without_a_difference_or_a_verdict_nothing_is_recommended() {
        let alike = [("A", 4.0, 110.0, 50.0), ("B", 4.0, 110.0, 50.0)];
        assert!(recommended(&alike, CLIPS, 0.01).ends_with("they do not measurably differ."));
        assert_eq!(recommended(&alike, CLIPS, 2.0), "No recommendation: not decided: PESQ wide-band.");
        assert_eq!(recommended(&alike, 5, 0.01), "No recommendation: there are no verdicts.");
        // What is not decided in quality is not made up for by bits.
        let text = recommended(&[("A", 4.0, 110.0, 50.0), ("B", 4.0, 110.0, 40.0)], CLIPS, 2.0);
        assert!(text.starts_with("No recommendation") && text.contains("Not decided: PESQ wide-band"), "{text}");
    }
}
