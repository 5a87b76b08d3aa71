//! The tracks of a call: what is negotiated for each, what goes in at the sender, what comes out at the receiver.

use super::repair::notes::Notes;
use crate::error::{Error, Result};
use crate::rtp::red;
use crate::sdp::fmtp::Fmtp;
use crate::sdp::repair::Repair;
use crate::sdp::session::Session;
use crate::units::Time;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::rtp;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpRtxParameters,
    RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a track carries: the word of its `m=` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Audio,
    Video,
}

/// What is negotiated for one track. All tracks of a call share one transport (BUNDLE, RFC 9143).
#[derive(Clone, Debug)]
pub struct TrackSpec {
    pub kind: Kind,
    /// The SDP encoding name: "opus", "VP8".
    pub name: &'static str,
    pub payload_type: u8,
    pub clock_rate: u32,
    /// Of audio; 0 for video.
    pub channels: u16,
    /// The line that stands in the receiver's description.
    pub fmtp: Fmtp,
    /// The offer says it too; else it has no line.
    pub offers_fmtp: bool,
    /// What both peers do against loss. Of RED only what is negotiated: the application packs and unpacks it. What video
    /// is asked for again comes as RTX (RFC 4588), audio under its own SSRC. `gcc` holds for the call: for all of its
    /// tracks, if it stands in one.
    pub repair: Repair,
    /// How long the receiver asks for a lost packet; see [`super::patience`].
    pub patience: Duration,
}

impl TrackSpec {
    /// The payload type of its packets: with RED that of RED.
    pub(super) fn sent_as(&self) -> u8 {
        if self.repair.red > 0 { red::PAYLOAD_TYPE } else { self.payload_type }
    }

    /// The payload type of its retransmissions, if they have one of their own: as browsers have it, the next one.
    pub(super) fn rtx_payload_type(&self) -> Option<u8> {
        (self.repair.nack && self.kind == Kind::Video).then(|| self.payload_type.wrapping_add(1) & 127)
    }

    /// The codec in the terms of `rtc`.
    pub(super) fn codec(&self) -> RTCRtpCodecParameters {
        // The offer is the media sender's description: it says what that one would receive, which is nothing.
        let offered = if self.offers_fmtp { self.fmtp.to_string() } else { String::new() };
        self.parameters(self.name, self.payload_type, offered)
    }

    /// Another format of the same media: RED, RTX.
    pub(super) fn parameters(&self, name: &str, payload_type: u8, sdp_fmtp_line: String) -> RTCRtpCodecParameters {
        let rtp_codec = RTCRtpCodec {
            mime_type: format!("{}/{name}", self.kind.word()),
            clock_rate: self.clock_rate,
            channels: self.channels,
            sdp_fmtp_line,
            rtcp_feedback: Vec::new(),
        };
        RTCRtpCodecParameters { rtp_codec, payload_type }
    }
}

impl Kind {
    /// As in an `m=` line and before the `/` of a media type.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Audio => "audio",
            Kind::Video => "video",
        }
    }

    /// libwebrtc's interval between reports of a stream (it varies each by half; `rtc` does not).
    pub(super) fn report_interval(self) -> Duration {
        match self {
            Kind::Audio => Duration::from_secs(5),
            Kind::Video => Duration::from_secs(1),
        }
    }

    pub(super) fn of_codec(self) -> RtpCodecKind {
        match self {
            Kind::Audio => RtpCodecKind::Audio,
            Kind::Video => RtpCodecKind::Video,
        }
    }
}

/// An RTP packet at the sender's application.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
    /// The Dependency Descriptor (AV1 RTP payload format, appendix A), 1 to 255 bytes; of video tracks only.
    pub descriptor: Option<Vec<u8>>,
}

/// An RTP packet at the receiver's application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub at: Time,
    /// The place of its track among those of the call.
    pub track: usize,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
    pub descriptor: Option<Vec<u8>>,
    /// Made from repair packets (FlexFEC); it did not come over the network.
    pub rebuilt: bool,
    /// It came as RTX (RFC 4588). What is sent again under the media's own SSRC, as audio is, cannot be told from the
    /// first.
    pub retransmitted: bool,
}

/// URI of the Dependency Descriptor (AV1 RTP payload format, appendix A).
pub const DESCRIPTOR_URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// The SSRCs of one track. As good as any: the streams of one sender, addresses of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ssrcs {
    pub media: u32,
    pub fec: u32,
    pub rtx: u32,
}

/// The payload type of all FlexFEC streams; each has an SSRC of its own.
pub(super) const FEC_PAYLOAD_TYPE: u8 = 49;

const FIRST_SSRC: u32 = 0x0c0d_ec01;
const SSRCS_PER_TRACK: u32 = 16;

pub(super) const fn ssrcs(track: usize) -> Ssrcs {
    let media = FIRST_SSRC.wrapping_add(SSRCS_PER_TRACK * track as u32);
    Ssrcs { media, fec: media + 1, rtx: media + 2 }
}

/// The track to which a stream of the media sender belongs; its repair streams belong to it as well.
pub(super) fn track_of(ssrc: u32) -> Option<usize> {
    let track = (ssrc.checked_sub(FIRST_SSRC)? / SSRCS_PER_TRACK) as usize;
    let Ssrcs { media, fec, rtx } = ssrcs(track);
    [media, fec, rtx].contains(&ssrc).then_some(track)
}

/// The track of which this is the media itself.
pub(super) fn track_of_media(ssrc: u32) -> Option<usize> {
    track_of(ssrc).filter(|track| ssrcs(*track).media == ssrc)
}

/// A send-only track with the codec.
pub(super) fn send_only(index: usize, track: &TrackSpec) -> (MediaStreamTrack, RTCRtpTransceiverInit) {
    let Ssrcs { media, rtx, .. } = ssrcs(index);
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(media),
            rtx: track.rtx_payload_type().map(|_| RTCRtpRtxParameters { ssrc: rtx }),
            ..Default::default()
        },
        codec: track.codec().rtp_codec,
        ..Default::default()
    };
    let number = if index == 0 { String::new() } else { format!("-{index}") };
    let name = |part: &str| format!("codecbench-{part}{number}");
    let track = MediaStreamTrack::new(
        // One stream, so that all tracks are of one source (RFC 8830).
        "codecbench-stream".into(),
        name("track"),
        name("label"),
        track.kind.of_codec(),
        vec![encoding.clone()],
    );
    let init = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        send_encodings: vec![encoding],
        ..Default::default()
    };
    (track, init)
}

/// That there are tracks, and that no payload type means two things: one transport carries them all (RFC 9143, section
/// 9.1).
pub(super) fn check(tracks: &[TrackSpec]) -> Result<()> {
    let mut types = BTreeMap::from([(FEC_PAYLOAD_TYPE, (Kind::Video, "flexfec"))]);
    for track in tracks {
        let red = (track.repair.red > 0).then_some((red::PAYLOAD_TYPE, "red"));
        let rtx = track.rtx_payload_type().map(|payload_type| (payload_type, "rtx"));
        for (payload_type, name) in [Some((track.payload_type, track.name)), red, rtx].into_iter().flatten() {
            let own = (track.kind, name);
            let other = *types.entry(payload_type).or_insert(own);
            if other != own {
                let text = format!("payload type {payload_type} stands for {} and for {name} in one call", other.1);
                return Err(Error::Call(text));
            }
        }
    }
    if tracks.is_empty() { Err(Error::Call("a call needs a track".into())) } else { Ok(()) }
}

/// The codecs that the section of a track offers, its own first, where that is not the only one of its kind. As in browsers
/// each section has all of them; `rtc` takes what it knows of a kind from the first section alone.
pub(super) fn preferences(index: usize, tracks: &[TrackSpec]) -> Option<Vec<RTCRtpCodecParameters>> {
    let own = tracks.get(index)?;
    let mut codecs = vec![own.codec()];
    for track in tracks.iter().filter(|t| t.kind == own.kind) {
        if codecs.iter().all(|c| c.payload_type != track.payload_type) {
            codecs.push(track.codec());
        }
    }
    (codecs.len() > 1).then_some(codecs)
}

/// What the sender reads in the answer for one track.
#[derive(Clone, Debug)]
pub(super) struct Negotiated {
    pub fmtp: Fmtp,
    /// The number of the Dependency Descriptor among the header extensions.
    pub descriptor: Option<u8>,
}

/// The answer on its way, and what the sender finds in it, track by track. `rtc` answers with the parameters of the offer
/// and takes no other answer as its own, so what the receiver wishes is written in underway, as signalling servers do it.
pub(super) fn with_fmtp(
    answer: &RTCSessionDescription,
    tracks: &[TrackSpec],
) -> Result<(RTCSessionDescription, Vec<Negotiated>)> {
    let mut session: Session = answer.sdp.parse()?;
    // The sections stand in the order in which the tracks were added (RFC 9429, section 5.2.1).
    for (section, track) in tracks.iter().enumerate() {
        session.set_fmtp(section, track.payload_type, &track.fmtp);
    }
    let answer = RTCSessionDescription::answer(session.to_string()).map_err(call_error)?;
    let read: Session = answer.sdp.parse()?;
    let negotiated = |(section, track): (usize, &TrackSpec)| {
        let media = read.media(section).filter(|media| *media == track.kind.word());
        match media.and_then(|_| read.payload_type(section, track.name)) {
            Some(payload_type) if payload_type == track.payload_type => Ok(Negotiated {
                fmtp: read.fmtp(section, payload_type)?,
                descriptor: read.extension(section, DESCRIPTOR_URI),
            }),
            other => {
                Err(Error::Call(format!("the answer has {} as {other:?}, not {}", track.name, track.payload_type)))
            }
        }
    };
    let negotiated = tracks.iter().enumerate().map(negotiated).collect::<Result<Vec<_>>>()?;
    Ok((answer, negotiated))
}

/// The packet as its track takes it.
///
/// # Errors
/// A descriptor where none was negotiated, or one of a length that no header extension has.
pub(super) fn rtp_packet(
    track: usize,
    payload_type: u8,
    descriptor: Option<u8>,
    packet: Outgoing,
) -> Result<rtp::Packet> {
    let mut header = rtp::Header {
        version: 2,
        marker: packet.marker,
        payload_type,
        sequence_number: packet.sequence,
        timestamp: packet.timestamp,
        ssrc: ssrcs(track).media,
        ..Default::default()
    };
    if let Some(bytes) = packet.descriptor {
        let Some(id) = descriptor.filter(|_| (1..=255).contains(&bytes.len())) else {
            let length = bytes.len();
            let right = "only a video track takes one, of 1 to 255 bytes";
            return Err(Error::Call(format!("track {track}: a dependency descriptor of {length} bytes: {right}")));
        };
        header.set_extension(id, bytes.into()).map_err(call_error)?;
    }
    Ok(rtp::Packet { header, payload: packet.payload.into() })
}

/// The packet as the receiver's application gets it; `None` for what belongs to no track. `descriptors`: the number of that
/// header extension, for each track.
pub(super) fn arrival(at: Time, packet: rtp::Packet, descriptors: &[Option<u8>], notes: &Notes) -> Option<Arrival> {
    let rtp::Packet { header, payload } = packet;
    let track = track_of_media(header.ssrc)?;
    let (sequence, timestamp, marker) = (header.sequence_number, header.timestamp, header.marker);
    let descriptor = descriptors.get(track)?.and_then(|id| header.get_extension(id)).map(|bytes| bytes.to_vec());
    let (rebuilt, retransmitted) = (notes.was_rebuilt(track, sequence), notes.was_retransmitted(track, sequence));
    Some(Arrival {
        at,
        track,
        sequence,
        timestamp,
        marker,
        payload: payload.into(),
        descriptor,
        rebuilt,
        retransmitted,
    })
}

pub(super) fn call_error(error: rtc::shared::error::Error) -> Error {
    Error::Call(error.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn opus(repair: &str, patience: Duration) -> TrackSpec {
        TrackSpec {
            kind: Kind::Audio,
            name: "opus",
            payload_type: 111,
            clock_rate: 48_000,
            channels: 2,
            fmtp: Fmtp::default(),
            offers_fmtp: false,
            repair: repair.parse().unwrap(),
            patience,
        }
    }

    pub fn vp8(repair: &str, patience: Duration) -> TrackSpec {
        TrackSpec {
            kind: Kind::Video,
            name: "VP8",
            payload_type: 96,
            clock_rate: 90_000,
            channels: 0,
            ..opus(repair, patience)
        }
    }

    #[test]
    fn a_payload_type_means_one_thing() {
        let (audio, video) = (opus("red:1 nack", Duration::ZERO), vp8("nack flexfec:5", Duration::ZERO));
        let l16 = TrackSpec { name: "L16", payload_type: 96, ..opus("", Duration::ZERO) };
        let av1 = TrackSpec { name: "AV1", payload_type: 97, ..vp8("", Duration::ZERO) };
        assert!(check(&[audio.clone(), video.clone(), video.clone(), audio]).is_ok());
        for (other, says) in [(l16, "96 stands for VP8 and for L16"), (av1, "97 stands for rtx and for AV1")] {
            assert!(check(&[video.clone(), other]).unwrap_err().to_string().contains(says));
        }
        assert!(check(&[]).is_err());
    }

    #[test]
    fn a_stream_is_of_one_track() {
        for track in [0, 1, 7] {
            let Ssrcs { media, fec, rtx } = ssrcs(track);
            assert_eq!([media, fec, rtx].map(track_of), [Some(track); 3]);
            assert_eq!([media, fec, rtx].map(track_of_media), [Some(track), None, None]);
        }
        assert_eq!([0, FIRST_SSRC - 1, FIRST_SSRC + 3, u32::MAX].map(track_of), [None; 4]);
    }
}
