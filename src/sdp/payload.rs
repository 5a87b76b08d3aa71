//! Payload types that mean one thing by themselves, and so may stand without an rtpmap.

/// Media, payload type, and what its rtpmap would say (RFC 3551, section 6, tables 4 and 5). MP2T holds both media.
const STATIC: [(&str, u8, &str); 25] = [
    ("audio", 0, "PCMU/8000"),
    ("audio", 3, "GSM/8000"),
    ("audio", 4, "G723/8000"),
    ("audio", 5, "DVI4/8000"),
    ("audio", 6, "DVI4/16000"),
    ("audio", 7, "LPC/8000"),
    ("audio", 8, "PCMA/8000"),
    // Its clock is said to be 8000 Hz although it samples at 16,000 (section 4.5.2).
    ("audio", 9, "G722/8000"),
    ("audio", 10, "L16/44100/2"),
    ("audio", 11, "L16/44100"),
    ("audio", 12, "QCELP/8000"),
    ("audio", 13, "CN/8000"),
    ("audio", 14, "MPA/90000"),
    ("audio", 15, "G728/8000"),
    ("audio", 16, "DVI4/11025"),
    ("audio", 17, "DVI4/22050"),
    ("audio", 18, "G729/8000"),
    ("video", 25, "CelB/90000"),
    ("video", 26, "JPEG/90000"),
    ("video", 28, "nv/90000"),
    ("video", 31, "H261/90000"),
    ("video", 32, "MPV/90000"),
    ("audio", 33, "MP2T/90000"),
    ("video", 33, "MP2T/90000"),
    ("video", 34, "H263/90000"),
];

/// What the rtpmap of a static payload type would say in a section of that media; `None` of all others.
pub(super) fn rtpmap(media: &str, payload_type: u8) -> Option<&'static str> {
    STATIC.iter().find(|(of, number, _)| *of == media && *number == payload_type).map(|(.., rtpmap)| *rtpmap)
}
