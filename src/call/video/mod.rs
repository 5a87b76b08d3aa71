//! A call of video, end to end, alone or with audio beside it in the same PeerConnection.

mod ends;
mod record;

use super::api::{Call, chance};
use super::audio::{self, Audio};
use crate::error::Result;
use crate::media::Picture;
use crate::metric::{Evidence, RENDERED};
use crate::peer::{self, Peers};
use crate::plan::{Case, Scores};
use crate::units::{Bitrate, Time};
use ends::Video;
use record::VideoRecord;

/// The places of the tracks in the call.
const VIDEO: usize = 0;
const AUDIO: usize = 1;

/// Runs one case. In virtual time a pure function of it: same case, same result. With `keep_packets`, and in virtual time,
/// also a pcapng file of all that the peers put on the wire; see [`Peers::capture`].
///
/// # Errors
/// As [`super::run`].
pub fn run(case: &Case<Picture>, keep_packets: bool) -> Result<(Call<Picture>, Option<Vec<u8>>)> {
    let mut capture = None;
    let beside = audio_case(case);
    let (seen, heard) = watch(case, beside.as_ref(), keep_packets, |peers| {
        capture = peers.capture().filter(|_| keep_packets);
    })?;
    let mut call = score(case, &seen)?;
    if let (Some(beside), Some(heard)) = (&beside, heard) {
        let audio = super::score(beside, &heard)?;
        add_audio(&mut call.scores, audio.scores);
    }
    Ok((call, capture))
}

/// What was on show in the call of that case, without scores: for tests, and for whoever wants the pictures.
///
/// # Errors
/// As [`run`].
pub fn talk(case: &Case<Picture>) -> Result<VideoRecord> {
    Ok(watch(case, audio_case(case).as_ref(), false, |_| {})?.0)
}

/// The call of the audio that a video has beside it, as a case of its own.
fn audio_case(case: &Case<Picture>) -> Option<Case> {
    let beside = case.beside.as_ref()?;
    Some(Case {
        clip: beside.clip.clone(),
        codec: beside.codec,
        label: case.label.clone(),
        request: beside.request.clone(),
        beside: None,
        equipment: None,
        receiver: case.receiver,
        net: case.net.clone(),
        warm_up: case.warm_up,
        seed: case.seed,
        metrics: beside.metrics.clone(),
        transport: case.transport,
    })
}

fn watch(
    case: &Case<Picture>,
    beside: Option<&Case>,
    keep_packets: bool,
    end: impl FnOnce(&dyn Peers),
) -> Result<(VideoRecord, Option<super::AudioRecord>)> {
    let tracks: Vec<_> = std::iter::once(ends::track(case)).chain(beside.map(audio::track)).collect::<Result<_>>()?;
    let mut peers = peer::connect(case.transport, &tracks, &case.net, chance(case))?;
    if keep_packets {
        peers.keep_packets();
    }
    let mut video = Video::new(case, VIDEO, peers.taps())?;
    let mut audio = beside.map(|case| Audio::new(case, AUDIO, &tracks[AUDIO], peers.taps())).transpose()?;
    let mut now = Time::ZERO;
    // Whoever is done first goes on, for it competes for the link until the end.
    while !video.is_done(now) || audio.as_ref().is_some_and(|a| !a.is_done()) {
        let next = audio.as_ref().map_or(video.next(now), |a| a.next().min(video.next(now)));
        // Stops where a packet comes: a picture that is late is shown when it is whole, not at the next tick.
        now = peers.advance_to_arrival(next.max(now))?;
        for arrival in peers.arrivals() {
            match (&mut audio, arrival.track) {
                (Some(audio), AUDIO) => audio.arrive(&arrival),
                _ => video.arrive(arrival)?,
            }
        }
        if let Some(round_trip) = peers.taps().round_trip(VIDEO) {
            video.round_trip(round_trip);
        }
        for (at, _) in peers.taps().key_requests() {
            video.key_wanted(at)?;
        }
        if let Some(Bitrate(allowed)) = peers.taps().target() {
            // The audio has what it asks for; so has it in browsers.
            let audio = audio.as_ref().map_or(0, |a| a.bitrate().0);
            video.allow(now, Bitrate(allowed.saturating_sub(audio)))?;
        }
        for report in peers.taps().reports() {
            match &mut audio {
                Some(audio) if report.track == AUDIO => audio.report(&report)?,
                _ => {}
            }
        }
        video.step(now, &mut *peers)?;
        if let Some(audio) = &mut audio {
            audio.step(now, &mut *peers)?;
        }
    }
    end(&*peers);
    let wire = peers.taps().wire();
    let heard = audio.map(|a| a.finish(wire.clone()));
    Ok((video.finish(wire), heard))
}

/// Scores what was on show at each tick of the source, and what was rendered beside its own source picture.
fn score(case: &Case<Picture>, seen: &VideoRecord) -> Result<Call<Picture>> {
    let mut scores = seen.facts(case)?;
    let reference = case.clip.signal.clone();
    let displayed = seen.displayed(&reference)?;
    let rendered = seen.rendered(&reference)?;
    // Where every tick shows its own picture the two are one, and dear metrics are computed once.
    let same = rendered.as_ref().is_some_and(|(_, shown)| shown.pictures == displayed.pictures);
    for metric in &case.metrics {
        let id = metric.scale.id;
        let mut put = |id: String, value: Result<crate::metric::Value>| {
            match value {
                Ok(value) => {
                    scores.values.insert(id, value.value);
                    scores.series.extend(value.series);
                }
                Err(e) => {
                    scores.unscored.insert(id, e.to_string());
                }
            };
        };
        let on_show = (metric.score)(&Evidence::files(&*reference, &displayed));
        let alone = match (&rendered, &on_show) {
            (_, Ok(value)) if same => Some(Ok(value.value.into())),
            (Some((own, shown)), _) => {
                let value = (metric.score)(&Evidence::files(own, shown));
                Some(value.map(|v| v.value.into()))
            }
            (None, _) => None,
        };
        put(id.to_owned(), on_show);
        if let Some(alone) = alone {
            put(format!("{id}{RENDERED}"), alone);
        }
    }
    Ok(Call { scores, reference, degraded: displayed })
}

/// The audio's scores beside those of the pictures: what both have stands under "audio-" and its id.
fn add_audio(scores: &mut Scores, audio: Scores) {
    if let (Some(pictures), Some(sound)) =
        (scores.values.get("capture-to-render"), audio.values.get("mouth-to-ear-clock"))
    {
        scores.values.insert("lip-sync".into(), pictures - sound);
    }
    for (id, value) in audio.values {
        match AUDIO_FACTS.iter().find(|(of_audio, _)| *of_audio == id) {
            Some((_, name)) => scores.values.insert((*name).to_owned(), value),
            None if crate::metric::audio(&id).is_ok() => scores.values.insert(id, value),
            // Details of the audio's receiver are for calls of audio alone.
            None => None,
        };
    }
    scores.unscored.extend(audio.unscored);
    scores.effective.extend(audio.effective.into_iter().map(|(name, value)| (format!("audio {name}"), value)));
}

/// The audio's facts that are kept, and their ids beside video.
const AUDIO_FACTS: [(&str, &str); 5] = [
    ("payload-bitrate", "audio-payload-bitrate"),
    ("network-loss", "audio-network-loss"),
    ("effective-loss", "audio-effective-loss"),
    ("concealed", "audio-concealed"),
    ("mouth-to-ear-clock", "mouth-to-ear-clock"),
];
