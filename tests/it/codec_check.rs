//! Our codecs on the files of `scripts/codec-check`, which holds them against independent implementations. Does nothing
//! but where that script calls it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::codec::{Input, Request, audio};
use codecbench::media::{Pcm, PcmFormat};
use codecbench::units::{Bitrate, Time, from_ms};
use std::path::Path;

/// Each line of the file `jobs` in CODECBENCH_CHECK_DIR: `encode` or `decode`, codec, bitrate, ptime in ms, mode, fmtp line
/// ("-": none), the file read and the file written. Samples are 16 bits, packets have 2 bytes of length before them, all
/// little-endian.
#[test]
fn every_job_of_the_script_is_done() {
    let Some(folder) = std::env::var_os("CODECBENCH_CHECK_DIR") else { return };
    let folder = Path::new(&folder);
    for line in std::fs::read_to_string(folder.join("jobs")).unwrap().lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [verb, name, bitrate, ptime, mode, fmtp, from, to] = fields[..] else { panic!("eight fields: {line}") };
        let given = |field: &str| (field != "-").then(|| field.to_owned());
        let request = Request {
            fmtp: given(fmtp).unwrap_or_default().parse().unwrap(),
            ptime: given(ptime).map(|p| from_ms(p.parse().unwrap())),
            bitrate: given(bitrate).map(|b| Bitrate(b.parse().unwrap())),
            mode: given(mode),
            ..Request::default()
        };
        let data = std::fs::read(folder.join(from)).unwrap();
        let made = if verb == "encode" { encode(name, &request, &data) } else { decode(name, &request, &data) };
        std::fs::write(folder.join(to), made).unwrap();
    }
}

fn encode(name: &str, request: &Request, samples: &[u8]) -> Vec<u8> {
    let codec = audio(name).unwrap();
    let settings = (codec.configure)(request, &PcmFormat::mono(48_000)).unwrap();
    assert_eq!(settings.changes, [], "{name}: the script asks for what there is");
    let samples: Vec<i16> = samples.as_chunks().0.iter().map(|s| i16::from_le_bytes(*s)).collect();
    let mut encoder = settings.encoder().unwrap();
    let mut units = Vec::new();
    for frame in samples.chunks_exact(settings.format.samples(settings.frame)) {
        let frame = Pcm { format: settings.format, samples: frame.to_vec() };
        encoder.encode(Time::ZERO, &frame, &mut units).unwrap();
    }
    let length = |data: &Vec<u8>| u16::try_from(data.len()).unwrap().to_le_bytes();
    units.into_iter().flat_map(|unit| [length(&unit.data).to_vec(), unit.data].concat()).collect()
}

fn decode(name: &str, request: &Request, mut packets: &[u8]) -> Vec<u8> {
    let codec = audio(name).unwrap();
    let settings = (codec.configure)(request, &PcmFormat::mono(48_000)).unwrap();
    let mut decoder = settings.decoder().unwrap();
    let mut out = Pcm::silence(settings.format, 0);
    while let Some((length, rest)) = packets.split_first_chunk() {
        let (packet, rest) = rest.split_at(u16::from_le_bytes(*length).into());
        let input = if packet.is_empty() { Input::Lost(settings.frame) } else { Input::Unit(packet) };
        decoder.decode(input, &mut out).unwrap();
        packets = rest;
    }
    out.samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}
