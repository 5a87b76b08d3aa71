//! A whole session description (RFC 8866): its media sections, found and edited line by line. What is not asked for
//! stays as it is.

use super::fmtp::Fmtp;
use super::payload;
use crate::error::{Error, Result};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A session description with media. A section is named by its place: 0 for the first `m=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    lines: Vec<String>,
}

impl Session {
    /// The first section of that media: "audio", "video".
    pub fn first(&self, media: &str) -> Option<usize> {
        (0..).map_while(|section| self.media(section)).position(|m| m == media)
    }

    /// The media of a section; `None` when there is no such section.
    pub fn media(&self, section: usize) -> Option<&str> {
        self.section(section).next()?.strip_prefix("m=")?.split_ascii_whitespace().next()
    }

    /// The lines of a section, its `m=` line first; none when there is no such section.
    pub fn section(&self, section: usize) -> impl Iterator<Item = &str> {
        self.lines[self.range(section)].iter().map(String::as_str)
    }

    /// The payload type of a codec in a section, by its SDP encoding name in any case: the first of them in the order of
    /// the `m=` line, which is the order of preference.
    pub fn payload_type(&self, section: usize, codec: &str) -> Option<u8> {
        let named = |payload_type: &u8| {
            let fixed = || self.media(section).and_then(|media| payload::rtpmap(media, *payload_type));
            let rtpmap = self.rtpmap(section, *payload_type).or_else(fixed);
            rtpmap.and_then(|map| map.split('/').next()).is_some_and(|name| name.eq_ignore_ascii_case(codec))
        };
        self.formats(section).find(named)
    }

    /// The fmtp line of a payload type in a section; empty when there is none.
    ///
    /// # Errors
    /// The line is not a list of parameters.
    pub fn fmtp(&self, section: usize, payload_type: u8) -> Result<Fmtp> {
        self.attribute(section, "a=fmtp:", payload_type).map_or_else(|| Ok(Fmtp::default()), str::parse)
    }

    /// Puts an fmtp line for that payload type into a section, in place of the one that was there, else after its rtpmap.
    /// An empty one takes the line away. Nothing happens when there is no such section.
    pub fn set_fmtp(&mut self, section: usize, payload_type: u8, fmtp: &Fmtp) {
        let range = self.range(section);
        if range.is_empty() {
            return;
        }
        let mut lines = self.lines[range.clone()].to_vec();
        let index_of = |lines: &[String], name| {
            lines.iter().position(|line: &String| value_for(line, name, payload_type).is_some())
        };
        let place = index_of(&lines, "a=fmtp:");
        lines.retain(|line| value_for(line, "a=fmtp:", payload_type).is_none());
        let text = fmtp.to_string();
        if !text.is_empty() {
            let at = place.or(index_of(&lines, "a=rtpmap:").map(|i| i + 1)).unwrap_or(lines.len());
            lines.insert(at, format!("a=fmtp:{payload_type} {text}"));
        }
        self.lines.splice(range, lines);
    }

    /// The number that a header extension has in a section (RFC 8285, section 5); `None` where it is not agreed on.
    pub fn extension(&self, section: usize, uri: &str) -> Option<u8> {
        self.section(section).find_map(|line| {
            let mut words = line.strip_prefix("a=extmap:")?.split_ascii_whitespace();
            let (number, named) = (words.next()?, words.next()?);
            // "4/recvonly" is 4, one way only.
            (named == uri).then(|| number.split('/').next()?.parse().ok()).flatten()
        })
    }

    /// Where the lines of a section stand.
    fn range(&self, section: usize) -> Range<usize> {
        let mut starts =
            self.lines.iter().enumerate().filter(|(_, l)| l.starts_with("m=")).map(|(i, _)| i).skip(section);
        let end = self.lines.len();
        starts.next().map_or(end..end, |start| start..starts.next().unwrap_or(end))
    }

    /// `opus/48000/2` of a payload type.
    fn rtpmap(&self, section: usize, payload_type: u8) -> Option<&str> {
        self.attribute(section, "a=rtpmap:", payload_type)
    }

    fn attribute(&self, section: usize, name: &str, payload_type: u8) -> Option<&str> {
        self.section(section).find_map(|line| value_for(line, name, payload_type))
    }

    /// `m=audio 9 UDP/TLS/RTP/SAVPF 111 63`: the formats are the words from the fourth on.
    fn formats(&self, section: usize) -> impl Iterator<Item = u8> {
        let words = self.section(section).next().into_iter().flat_map(|m| m.split_ascii_whitespace().skip(3));
        words.filter_map(|f| f.parse().ok())
    }
}

/// The value of `a=NAME:PT VALUE`, if `line` is that.
fn value_for<'a>(line: &'a str, name: &str, payload_type: u8) -> Option<&'a str> {
    let (number, value) = line.strip_prefix(name)?.trim_start().split_once(' ')?;
    (number.parse() == Ok(payload_type)).then(|| value.trim())
}

impl FromStr for Session {
    type Err = Error;

    /// # Errors
    /// [`Error::Usage`]: not a session description, or one without media.
    fn from_str(text: &str) -> Result<Session> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.first().is_none_or(|l| l.trim() != "v=0") {
            return Err(Error::usage("not a session description: it must begin with the line v=0 (RFC 8866)"));
        }
        if !lines.iter().any(|l| l.starts_with("m=")) {
            return Err(Error::usage("the session description has no media: no line begins with m="));
        }
        Ok(Session { lines })
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
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 11\r\na=mid:1\r\na=extmap:4/recvonly urn:x\r\na=rtpmap:111 opus/48000/2\r\n\
        a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 L16/48000\r\n";

    /// The first audio section; video stands before it.
    const AUDIO: usize = 1;

    fn session(text: &str) -> Session {
        text.parse().unwrap()
    }

    fn with(payload_type: u8, fmtp: &str) -> String {
        let mut session = session(OFFER);
        session.set_fmtp(AUDIO, payload_type, &fmtp.parse().unwrap());
        session.to_string()
    }

    #[test]
    fn nothing_is_changed_unasked() {
        assert_eq!(session(OFFER).to_string(), OFFER);
        // Bare line feeds, as in a file, become what RFC 8866 asks for.
        assert_eq!(session(&OFFER.replace('\r', "")).to_string(), OFFER);
    }

    #[test]
    fn codecs_are_found_in_their_section() {
        let session = session(OFFER);
        assert_eq!(
            [session.first("video"), session.first("audio"), session.first("text")],
            [Some(0), Some(AUDIO), None]
        );
        assert_eq!([0, 1, 2, 3].map(|s| session.section(s).count()), [3, 8, 2, 0]);
        assert_eq!(session.payload_type(AUDIO, "OPUS"), Some(111));
        assert_eq!(session.payload_type(AUDIO, "red"), Some(63));
        assert_eq!(session.payload_type(AUDIO, "G722"), Some(9));
        // Static types need no rtpmap.
        assert_eq!(session.payload_type(AUDIO, "pcmu"), Some(0));
        assert_eq!(session.payload_type(AUDIO, "PCMA"), Some(8));
        assert_eq!(session.payload_type(AUDIO, "L16"), Some(11));
        // These are of other sections.
        assert_eq!(session.payload_type(AUDIO, "VP8"), None);
        assert_eq!(session.payload_type(0, "L16"), None);
        assert_eq!(session.payload_type(0, "VP8"), Some(96));
        assert_eq!(session.payload_type(2, "L16"), Some(96));
        assert_eq!(session.payload_type(3, "L16"), None);
    }

    #[test]
    fn an_rtpmap_overrides_a_static_type() {
        let text = "v=0\r\nm=audio 9 RTP/AVP 0 9\r\na=rtpmap:0 G722/8000\r\n";
        assert_eq!(session(text).payload_type(0, "G722"), Some(0));
        assert_eq!(session(text).payload_type(0, "PCMU"), None);
    }

    #[test]
    fn an_fmtp_line_is_read_replaced_added_and_removed() {
        let fmtp = |payload_type| session(OFFER).fmtp(AUDIO, payload_type).unwrap();
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
            session.set_fmtp(AUDIO, 111, &fmtp);
            session.set_fmtp(AUDIO, 0, &fmtp);
            assert_eq!((session.fmtp(AUDIO, 111).unwrap(), session.fmtp(AUDIO, 0).unwrap()), (fmtp.clone(), fmtp));
        }
        let again: Session = session.to_string().parse().unwrap();
        assert_eq!(again, session);
    }

    #[test]
    fn sections_are_edited_apart() {
        let mut session = session(OFFER);
        let fmtp: Fmtp = "x=1".parse().unwrap();
        // Payload type 96 is in two of them.
        session.set_fmtp(2, 96, &fmtp);
        assert_eq!(session.fmtp(2, 96).unwrap(), fmtp);
        assert_eq!(session.fmtp(0, 96).unwrap(), "max-fs=12288".parse().unwrap());
        let before = session.clone();
        session.set_fmtp(3, 96, &fmtp);
        assert_eq!(session, before);
    }

    #[test]
    fn a_header_extension_has_a_number_in_its_section() {
        let session = session(OFFER);
        assert_eq!([0, 1, 2, 3].map(|s| session.extension(s, "urn:x")), [None, Some(4), None, None]);
        assert_eq!(session.extension(AUDIO, "urn:xy"), None);
    }

    #[test]
    fn what_is_no_session_with_media_is_refused() {
        for (text, says) in [("", "v=0"), ("m=audio 9 RTP/AVP 0\r\n", "v=0"), ("v=0\r\ns=-\r\n", "no media")] {
            assert!(text.parse::<Session>().unwrap_err().to_string().contains(says), "{text:?}");
        }
    }
}
