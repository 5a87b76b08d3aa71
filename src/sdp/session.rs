//! A whole session description (RFC 8866): its audio section, found and edited line by line. What is not asked for
//! stays as it is.

use super::fmtp::Fmtp;
use crate::error::{Error, Result};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A session description with an audio section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    lines: Vec<String>,
    /// The lines of the first audio section; its first is `m=audio`.
    audio: Range<usize>,
}

impl Session {
    /// The lines of the first audio section, `m=audio` first.
    pub fn audio(&self) -> impl Iterator<Item = &str> {
        self.lines[self.audio.clone()].iter().map(String::as_str)
    }

    /// The payload type of a codec in the audio section, by its SDP encoding name in any case: the first of them in the
    /// order of the `m=` line, which is the order of preference.
    pub fn payload_type(&self, codec: &str) -> Option<u8> {
        let named = |payload_type: &u8| match self.rtpmap(*payload_type) {
            Some(rtpmap) => rtpmap.split('/').next().is_some_and(|name| name.eq_ignore_ascii_case(codec)),
            None => STATIC.iter().any(|(pt, name)| pt == payload_type && name.eq_ignore_ascii_case(codec)),
        };
        self.formats().find(named)
    }

    /// The fmtp line of a payload type in the audio section; empty when there is none.
    ///
    /// # Errors
    /// The line is not a list of parameters.
    pub fn fmtp(&self, payload_type: u8) -> Result<Fmtp> {
        self.attribute("a=fmtp:", payload_type).map_or_else(|| Ok(Fmtp::default()), str::parse)
    }

    /// Puts an fmtp line for that payload type into the audio section, in place of the one that was there, else after
    /// its rtpmap. An empty one takes the line away.
    pub fn set_fmtp(&mut self, payload_type: u8, fmtp: &Fmtp) {
        let mut section: Vec<String> = self.audio().map(str::to_owned).collect();
        let index_of = |section: &[String], name| {
            section.iter().position(|line: &String| value_for(line, name, payload_type).is_some())
        };
        let place = index_of(&section, "a=fmtp:");
        section.retain(|line| value_for(line, "a=fmtp:", payload_type).is_none());
        let text = fmtp.to_string();
        if !text.is_empty() {
            let at = place.or(index_of(&section, "a=rtpmap:").map(|i| i + 1)).unwrap_or(section.len());
            section.insert(at, format!("a=fmtp:{payload_type} {text}"));
        }
        let old = self.audio.clone();
        self.audio = old.start..old.start + section.len();
        self.lines.splice(old, section);
    }

    /// `opus/48000/2` of a payload type.
    fn rtpmap(&self, payload_type: u8) -> Option<&str> {
        self.attribute("a=rtpmap:", payload_type)
    }

    fn attribute(&self, name: &str, payload_type: u8) -> Option<&str> {
        self.audio().find_map(|line| value_for(line, name, payload_type))
    }

    /// `m=audio 9 UDP/TLS/RTP/SAVPF 111 63`: the formats are the words from the fourth on.
    fn formats(&self) -> impl Iterator<Item = u8> {
        self.audio().next().into_iter().flat_map(|m| m.split_ascii_whitespace().skip(3)).filter_map(|f| f.parse().ok())
    }
}

/// The static payload types that may stand without an rtpmap (RFC 3551, section 6) and that this program knows.
const STATIC: &[(u8, &str)] = &[(0, "PCMU"), (8, "PCMA"), (9, "G722")];

/// The value of `a=NAME:PT VALUE`, if `line` is that.
fn value_for<'a>(line: &'a str, name: &str, payload_type: u8) -> Option<&'a str> {
    let (number, value) = line.strip_prefix(name)?.trim_start().split_once(' ')?;
    (number.parse() == Ok(payload_type)).then(|| value.trim())
}

impl FromStr for Session {
    type Err = Error;

    /// # Errors
    /// [`Error::Usage`]: not a session description, or one without audio.
    fn from_str(text: &str) -> Result<Session> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.first().is_none_or(|l| l.trim() != "v=0") {
            return Err(Error::usage("not a session description: it must begin with the line v=0 (RFC 8866)"));
        }
        let start = lines
            .iter()
            .position(|l| l.starts_with("m=audio "))
            .ok_or_else(|| Error::usage("the session description has no audio: no line begins with m=audio"))?;
        let length = lines[start + 1..].iter().position(|l| l.starts_with("m="));
        let end = length.map_or(lines.len(), |n| start + 1 + n);
        Ok(Session { lines, audio: start..end })
    }
}

/// With the line ends that RFC 8866 asks for, CR LF.
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| write!(f, "{line}\r\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\na=fmtp:111 session=level\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 max-fs=12288\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 11\r\na=mid:1\r\na=rtpmap:111 opus/48000/2\r\n\
        a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 L16/48000\r\n";

    fn session(text: &str) -> Session {
        text.parse().unwrap()
    }

    fn with(payload_type: u8, fmtp: &str) -> String {
        let mut session = session(OFFER);
        session.set_fmtp(payload_type, &fmtp.parse().unwrap());
        session.to_string()
    }

    #[test]
    fn nothing_is_changed_unasked() {
        assert_eq!(session(OFFER).to_string(), OFFER);
        // Bare line feeds, as in a file, become what RFC 8866 asks for.
        assert_eq!(session(&OFFER.replace('\r', "")).to_string(), OFFER);
    }

    #[test]
    fn codecs_are_found_in_the_first_audio_section() {
        let session = session(OFFER);
        assert_eq!(session.audio().count(), 7);
        assert_eq!(session.payload_type("OPUS"), Some(111));
        assert_eq!(session.payload_type("red"), Some(63));
        assert_eq!(session.payload_type("G722"), Some(9));
        // Static types need no rtpmap.
        assert_eq!(session.payload_type("pcmu"), Some(0));
        assert_eq!(session.payload_type("PCMA"), Some(8));
        // These are of other sections.
        assert_eq!(session.payload_type("VP8"), None);
        assert_eq!(session.payload_type("L16"), None);
    }

    #[test]
    fn an_rtpmap_overrides_a_static_type() {
        let text = "v=0\r\nm=audio 9 RTP/AVP 0 9\r\na=rtpmap:0 G722/8000\r\n";
        assert_eq!(session(text).payload_type("G722"), Some(0));
        assert_eq!(session(text).payload_type("PCMU"), None);
    }

    #[test]
    fn an_fmtp_line_is_read_replaced_added_and_removed() {
        let fmtp = |payload_type| session(OFFER).fmtp(payload_type).unwrap();
        assert_eq!(fmtp(111), "minptime=10;useinbandfec=1".parse().unwrap());
        assert_eq!(fmtp(11), Fmtp::default());
        assert_eq!(fmtp(9), Fmtp::default());
        let line = "a=fmtp:111 minptime=10;useinbandfec=1\r\n";
        assert_eq!(with(111, "stereo=1"), OFFER.replace(line, "a=fmtp:111 stereo=1\r\n"));
        assert_eq!(with(111, ""), OFFER.replace(line, ""));
        let g722 = "a=rtpmap:9 G722/8000\r\n";
        assert_eq!(with(9, "x=1"), OFFER.replace(g722, &format!("{g722}a=fmtp:9 x=1\r\n")));
        // Without an rtpmap it goes to the end of the section.
        assert_eq!(with(0, "x=1"), OFFER.replace(g722, &format!("{g722}a=fmtp:0 x=1\r\n")));
        assert_eq!(with(0, ""), OFFER);
    }

    #[test]
    fn an_edited_session_can_be_edited_again() {
        let mut session = session(OFFER);
        for text in ["stereo=1", "", "cbr=1"] {
            let fmtp: Fmtp = text.parse().unwrap();
            session.set_fmtp(111, &fmtp);
            session.set_fmtp(0, &fmtp);
            assert_eq!((session.fmtp(111).unwrap(), session.fmtp(0).unwrap()), (fmtp.clone(), fmtp));
        }
        let again: Session = session.to_string().parse().unwrap();
        assert_eq!(again, session);
    }

    #[test]
    fn what_is_no_session_with_audio_is_refused() {
        for (text, says) in
            [("", "v=0"), ("m=audio 9 RTP/AVP 0\r\n", "v=0"), ("v=0\r\nm=video 9 RTP/AVP 96\r\n", "no audio")]
        {
            assert!(text.parse::<Session>().unwrap_err().to_string().contains(says), "{text:?}");
        }
    }
}
