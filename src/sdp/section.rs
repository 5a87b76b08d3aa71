//! The media sections of a session description (RFC 8866, section 5.14), and what an offer and its answer agree on
//! (RFC 3264).

use super::payload;
use crate::error::{Error, Result};

/// One `m=` line with what stands below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// "audio", "video", "application".
    pub media: String,
    /// Port 0: this section is rejected or off (RFC 3264, section 6).
    pub rejected: bool,
    /// "sendrecv" unless it says otherwise.
    pub direction: String,
    /// In ms, as they stand there.
    pub ptime: Option<String>,
    pub maxptime: Option<String>,
    /// In the order of preference.
    pub formats: Vec<Format>,
}

/// One payload type of a section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The word in the `m=` line; a number with RTP.
    pub payload_type: String,
    /// "opus/48000/2"; empty where there is no rtpmap and the type is not a static one.
    pub rtpmap: String,
    /// What stands behind the payload type; empty without such a line.
    pub fmtp: String,
    pub feedback: Vec<String>,
}

impl Format {
    /// "opus" of "opus/48000/2".
    pub fn codec(&self) -> &str {
        self.rtpmap.split('/').next().unwrap_or_default()
    }

    /// Whether both mean the same codec: encoding name, clock and channels, the name in any case, one channel unsaid.
    fn same_codec(&self, other: &Format) -> bool {
        let plain = |f: &Format| f.rtpmap.strip_suffix("/1").unwrap_or(&f.rtpmap).to_ascii_lowercase();
        !self.rtpmap.is_empty() && plain(self) == plain(other)
    }
}

/// All sections of a description, in order.
///
/// # Errors
/// [`Error::Usage`]: not a session description, or one without a media section.
pub fn sections(text: &str) -> Result<Vec<Section>> {
    if text.lines().next().is_none_or(|l| l.trim() != "v=0") {
        return Err(Error::usage("not a session description: it must begin with the line v=0 (RFC 8866)"));
    }
    let mut all: Vec<Section> = Vec::new();
    // What stands before the first section holds for all of them.
    let mut direction = "sendrecv".to_owned();
    for line in text.lines().map(str::trim_end) {
        if let Some(words) = line.strip_prefix("m=") {
            all.push(Section { direction: direction.clone(), ..section(words)? });
        } else if let Some(attribute) = line.strip_prefix("a=") {
            match all.last_mut() {
                Some(section) => section.read(attribute),
                None if DIRECTIONS.contains(&attribute) => direction = attribute.to_owned(),
                None => {}
            }
        }
    }
    if all.is_empty() {
        return Err(Error::usage("the session description has no media: no line begins with m="));
    }
    Ok(all)
}

const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];

/// `audio 9 UDP/TLS/RTP/SAVPF 111 63`.
fn section(words: &str) -> Result<Section> {
    let mut words_of = words.split_ascii_whitespace();
    let (Some(media), Some(port), Some(_)) = (words_of.next(), words_of.next(), words_of.next()) else {
        return Err(Error::usage(format!("'m={words}': 'm=audio 9 UDP/TLS/RTP/SAVPF 111' would be right")));
    };
    let format = |word: &str| {
        let known = word.parse().ok().and_then(|number| payload::rtpmap(media, number));
        Format { payload_type: word.into(), rtpmap: known.unwrap_or_default().into(), ..Format::default() }
    };
    Ok(Section {
        media: media.into(),
        rejected: port == "0",
        formats: words_of.map(format).collect(),
        ..Section::default()
    })
}

impl Section {
    /// One attribute, without its `a=`.
    fn read(&mut self, attribute: &str) {
        if DIRECTIONS.contains(&attribute) {
            self.direction = attribute.to_owned();
            return;
        }
        let Some((name, value)) = attribute.split_once(':') else { return };
        let value = value.trim();
        let (payload_type, rest) = value.split_once(' ').unwrap_or((value, ""));
        let of = self.formats.iter_mut().filter(|f| f.payload_type == payload_type || payload_type == "*");
        match name {
            "rtpmap" => of.for_each(|f| f.rtpmap = rest.trim().into()),
            "fmtp" => of.for_each(|f| f.fmtp = rest.trim().into()),
            "rtcp-fb" => of.for_each(|f| f.feedback.push(rest.trim().into())),
            "ptime" => self.ptime = Some(value.into()),
            "maxptime" => self.maxptime = Some(value.into()),
            _ => {}
        }
    }
}

/// What both sides can use: the answer's formats, in its order, that the offer has as well, each as (offer's, answer's).
/// Nothing in a section that either side rejects.
pub fn agreed<'a>(offer: &'a Section, answer: &'a Section) -> Vec<(&'a Format, &'a Format)> {
    if offer.rejected || answer.rejected || offer.media != answer.media {
        return Vec::new();
    }
    let offered = |a: &'a Format| Some((offer.formats.iter().find(|o| o.same_codec(a))?, a));
    answer.formats.iter().filter_map(offered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=sendonly\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n\
        a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=maxptime:120\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendrecv\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:* nack pli\r\n";

    #[test]
    fn sections_have_their_own_attributes() {
        let all = sections(OFFER).unwrap();
        let [audio, video] = &all[..] else { panic!("{all:?}") };
        assert_eq!(
            (audio.media.as_str(), audio.direction.as_str(), video.direction.as_str()),
            ("audio", "sendonly", "sendrecv")
        );
        let codecs: Vec<&str> = audio.formats.iter().map(Format::codec).collect();
        assert_eq!(codecs, ["opus", "red", "PCMU"]);
        assert_eq!(audio.formats[0].fmtp, "minptime=10;useinbandfec=1");
        assert_eq!(audio.formats[0].feedback, ["transport-cc"]);
        assert_eq!((audio.ptime.as_deref(), audio.maxptime.as_deref()), (None, Some("120")));
        assert_eq!(video.formats[0].feedback, ["nack pli"]);
        assert_eq!(sections(&OFFER.replace('\r', "")).unwrap(), all);
    }

    #[test]
    fn an_answer_agrees_by_codec_not_by_number() {
        let answer = "v=0\nm=audio 9 RTP/AVP 8 0 96\na=rtpmap:96 OPUS/48000/2\na=fmtp:96 stereo=1\nm=video 0 RTP/AVP 96\n\
                      a=rtpmap:96 VP8/90000\n";
        let (offer, answer) = (sections(OFFER).unwrap(), sections(answer).unwrap());
        let pairs: Vec<(&str, &str)> = agreed(&offer[0], &answer[0])
            .into_iter()
            .map(|(o, a)| (o.payload_type.as_str(), a.payload_type.as_str()))
            .collect();
        // PCMA was not offered; PCMU has one channel in both.
        assert_eq!(pairs, [("0", "0"), ("111", "96")]);
        assert!(answer[1].rejected && agreed(&offer[1], &answer[1]).is_empty());
    }

    #[test]
    fn static_payload_types_have_their_names_in_their_own_media_alone() {
        let all = sections("v=0\nm=audio 9 RTP/AVP 3 18 0 9 10 1 34\nm=video 9 RTP/AVP 34 3\n").unwrap();
        let maps = |n: usize| all[n].formats.iter().map(|f| f.rtpmap.as_str()).collect::<Vec<&str>>();
        assert_eq!(maps(0), ["GSM/8000", "G729/8000", "PCMU/8000", "G722/8000", "L16/44100/2", "", ""]);
        assert_eq!(maps(1), ["H263/90000", ""]);
    }

    #[test]
    fn what_is_no_description_is_refused() {
        for (text, says) in [("", "v=0"), ("v=0\ns=-\n", "no media"), ("v=0\nm=audio 9\n", "would be right")] {
            assert!(sections(text).unwrap_err().to_string().contains(says), "{text:?}");
        }
    }
}
