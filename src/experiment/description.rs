//! Whole session descriptions: what was negotiated, and the settings that follow for each sender.

use crate::codec::{self, Codec, Request};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::plan::Setting;
use crate::sdp::section::{Format, Section, agreed, sections};
use crate::units::from_ms;
use std::path::Path;

/// What an offer, or an offer and its answer, amount to.
pub struct Description {
    /// Per media section what was negotiated, for people.
    pub text: String,
    /// What each sender of audio is steered to. Never empty.
    pub settings: Vec<Setting>,
}

/// Reads an offer and, if there is one, its answer. A line in a description steers the *other* side's encoder: the
/// offerer sends by the answer's fmtp line, the answerer by the offer's. Of an offer alone every audio codec is measured
/// as the answerer would send it, since the answer chooses.
///
/// # Errors
/// [`Error::Input`] that names the file: it cannot be read, is no session description, does not answer the offer, or
/// holds nothing that can be measured.
pub fn read(offer: &Path, answer: Option<&Path>) -> Result<Description> {
    let load = |path: &Path| {
        let text = std::fs::read_to_string(path).map_err(|e| Error::input(path, e))?;
        sections(&text).map_err(|e| Error::input(path, e))
    };
    let (offered, answered) = (load(offer)?, answer.map(load).transpose()?);
    if let (Some(path), Some(answered)) = (answer, &answered) {
        let media = |sections: &[Section]| sections.iter().map(|s| s.media.clone()).collect::<Vec<_>>().join(", ");
        if media(&offered) != media(answered) {
            let (asked, told) = (media(&offered), media(answered));
            let what = format!(
                "answers '{told}', but the offer has '{asked}'; an answer has the sections of its offer, in order"
            );
            return Err(Error::input(path, what));
        }
    }
    let (mut text, mut settings) = (String::new(), Vec::new());
    for (i, o) in offered.iter().enumerate() {
        let a = answered.as_ref().map(|all| &all[i]);
        let found = if o.media == "audio" { senders(o, a)? } else { Vec::new() };
        text += &told(i + 1, o, a, &found);
        settings.extend(found);
    }
    if settings.is_empty() {
        let known: Vec<&str> = codec::AUDIO.iter().map(|c| c.name).collect();
        let what = format!(
            "nothing in it can be measured: it needs an accepted audio section with one of {}",
            known.join(", ")
        );
        return Err(Error::input(answer.unwrap_or(offer), what));
    }
    let several = |label: &str, all: &[Setting]| all.iter().filter(|s| s.label == label).count() > 1;
    let labels: Vec<String> = settings.iter().map(|s| s.label.clone()).collect();
    for (i, label) in labels.iter().enumerate() {
        let nth = labels[..i].iter().filter(|l| *l == label).count() + 1;
        if several(label, &settings) || nth > 1 {
            settings[i].label = format!("{label} #{nth}");
        }
    }
    Ok(Description { text, settings })
}

/// Who sends what in an audio section.
fn senders(offer: &Section, answer: Option<&Section>) -> Result<Vec<Setting>> {
    let sends = |s: &Section| matches!(s.direction.as_str(), "sendrecv" | "sendonly");
    let hears = |s: &Section| matches!(s.direction.as_str(), "sendrecv" | "recvonly");
    let measurable = |f: &Format| codec::audio(f.codec()).ok();
    let Some(answer) = answer else {
        if offer.rejected {
            return Ok(Vec::new());
        }
        let formats = offer.formats.iter().filter_map(|f| Some((f, measurable(f)?)));
        return formats.map(|(f, codec)| setting(codec.name.to_owned(), codec, f, offer)).collect();
    };
    // The first codec that both have is the one in use; what is no codec (telephone-event) is not.
    let Some((o, a, codec)) = agreed(offer, answer).into_iter().find_map(|(o, a)| Some((o, a, measurable(a)?))) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    if sends(offer) && hears(answer) {
        found.push(setting(format!("offerer sends {}", codec.name), codec, a, answer)?);
    }
    if sends(answer) && hears(offer) {
        found.push(setting(format!("answerer sends {}", codec.name), codec, o, offer)?);
    }
    Ok(found)
}

/// As the receiver `by` describes it.
fn setting(label: String, codec: &'static Codec<Pcm>, format: &Format, by: &Section) -> Result<Setting> {
    let ptime = by.ptime.as_ref().map(|text| {
        let ms = text.parse().ok().filter(|ms: &f64| *ms > 0.0 && *ms <= 1000.0);
        ms.map(from_ms).ok_or_else(|| Error::usage(format!("a=ptime:{text}: a number of milliseconds is wanted")))
    });
    let request = Request { fmtp: format.fmtp.parse()?, ptime: ptime.transpose()?, ..Request::default() };
    Ok(Setting::new(label, codec, request))
}

fn told(number: usize, offer: &Section, answer: Option<&Section>, found: &[Setting]) -> String {
    let way = match answer {
        None => format!("offered {}", offer.direction),
        Some(a) if offer.rejected || a.rejected => "rejected".into(),
        Some(a) => format!("offered {}, answered {}", offer.direction, a.direction),
    };
    let mut out = format!("section {number}, {}: {way}", offer.media);
    for (name, of) in [
        ("ptime", (|s: &Section| s.ptime.clone()) as fn(&Section) -> Option<String>),
        ("maxptime", |s| s.maxptime.clone()),
    ] {
        let both = [of(offer), answer.and_then(of)].map(|v| v.unwrap_or_else(|| "–".into()));
        if both.iter().any(|v| v != "–") {
            out += &format!(", {name} {}", if answer.is_some() { both.join(" / ") } else { both[0].clone() });
        }
    }
    out.push('\n');
    let line = |f: &Format, other: Option<&Format>| {
        let name = if f.rtpmap.is_empty() { "(no rtpmap)" } else { &f.rtpmap };
        let mut text = format!("  {} {name}", f.payload_type);
        let dash = |t: &str| if t.is_empty() { "–".to_owned() } else { t.to_owned() };
        match other {
            Some(a) if *a.fmtp != f.fmtp => {
                text += &format!("; fmtp offered {}, answered {}", dash(&f.fmtp), dash(&a.fmtp))
            }
            _ if !f.fmtp.is_empty() => text += &format!("; fmtp {}", f.fmtp),
            _ => {}
        }
        let feedback = f.feedback.iter().filter(|w| other.is_none_or(|a| a.feedback.contains(w)));
        let feedback: Vec<&str> = feedback.map(String::as_str).collect();
        if !feedback.is_empty() {
            text += &format!("; feedback {}", feedback.join(", "));
        }
        text + "\n"
    };
    match answer {
        None => offer.formats.iter().for_each(|f| out += &line(f, None)),
        Some(a) => agreed(offer, a).into_iter().for_each(|(o, a)| out += &line(o, Some(a))),
    }
    match found {
        [] => out += "  not measured\n",
        _ => out += &format!("  measured: {}\n", found.iter().map(|s| s.label.as_str()).collect::<Vec<_>>().join(", ")),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\ns=-\nm=audio 9 UDP/TLS/RTP/SAVPF 111 101 0\na=rtpmap:111 opus/48000/2\n\
        a=fmtp:111 useinbandfec=1\na=rtcp-fb:111 transport-cc\na=rtpmap:101 telephone-event/8000\na=ptime:40\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\na=rtpmap:96 VP8/90000\n";
    const ANSWER: &str = "v=0\ns=-\nm=audio 9 UDP/TLS/RTP/SAVPF 101 111\na=rtpmap:111 opus/48000/2\na=fmtp:111 usedtx=1\n\
        a=rtpmap:101 telephone-event/8000\nm=video 0 UDP/TLS/RTP/SAVPF 96\n";

    fn of(offer: &str, answer: Option<&str>) -> Result<Description> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (offer, answer) = (file("o.sdp", offer), answer.map(|a| file("a.sdp", a)));
        read(&offer, answer.as_deref())
    }

    fn settings(d: &Description) -> Vec<(String, String, Option<u128>)> {
        let one = |s: &Setting| (s.label.clone(), s.request.fmtp.to_string(), s.request.ptime.map(|p| p.as_millis()));
        d.settings.iter().map(one).collect()
    }

    #[test]
    fn each_sender_reads_the_other_sides_line() {
        let both = of(OFFER, Some(ANSWER)).unwrap();
        assert_eq!(
            settings(&both),
            [
                ("offerer sends opus".into(), "usedtx=1".into(), None),
                ("answerer sends opus".into(), "useinbandfec=1".into(), Some(40)),
            ]
        );
        for said in [
            "section 1, audio: offered sendrecv, answered sendrecv, ptime 40 / –",
            "fmtp offered useinbandfec=1, answered usedtx=1",
            "section 2, video: rejected\n  not measured",
        ] {
            assert!(both.text.contains(said), "{said}: {}", both.text);
        }
        // One way alone.
        let one = of(&OFFER.replace("a=ptime:40", "a=recvonly"), Some(ANSWER)).unwrap();
        assert_eq!(settings(&one).len(), 1);
        assert_eq!(one.settings[0].label, "answerer sends opus");
    }

    #[test]
    fn of_an_offer_alone_every_audio_codec_is_measured() {
        let alone = of(OFFER, None).unwrap();
        assert_eq!(
            settings(&alone),
            [("opus".into(), "useinbandfec=1".into(), Some(40)), ("PCMU".into(), String::new(), Some(40))]
        );
        assert!(
            alone.text.contains("section 2, video: offered sendrecv\n  96 VP8/90000\n  not measured"),
            "{}",
            alone.text
        );
        assert!(alone.text.contains("feedback transport-cc"));
    }

    #[test]
    fn static_payload_types_are_named_and_those_in_this_build_measured() {
        let old = of("v=0\nm=audio 9 RTP/AVP 3 18 0 9 4\n", None).unwrap();
        for line in ["  3 GSM/8000\n", "  18 G729/8000\n", "  0 PCMU/8000\n", "  9 G722/8000\n", "  4 G723/8000\n"] {
            assert!(old.text.contains(line), "{line}: {}", old.text);
        }
        let built = ["GSM", "G729", "PCMU", "G722"].into_iter().filter(|name| codec::audio(name).is_ok());
        assert_eq!(settings(&old).into_iter().map(|(label, ..)| label).collect::<Vec<_>>(), built.collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_be_measured_is_refused_by_file() {
        let video = "v=0\nm=video 9 RTP/AVP 96\na=rtpmap:96 VP8/90000\n";
        for (offer, answer, says) in [
            (video, None, "nothing in it can be measured"),
            (OFFER, Some(video), "an answer has the sections of its offer"),
            ("hello", None, "v=0"),
            (OFFER, Some("v=0\nm=audio 9 RTP/AVP 8\nm=video 0 RTP/AVP 96\n"), "nothing in it"),
        ] {
            let error = of(offer, answer).err().unwrap();
            assert!(error.to_string().contains(says) && error.exit_code() == 2, "{error}");
        }
    }
}
