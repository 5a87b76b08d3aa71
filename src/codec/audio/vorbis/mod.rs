//! Vorbis (Vorbis I specification, Xiph.Org) by libvorbis with the aoTuV and Lancer patches, at a managed mean bitrate.
//!
//! A unit is one packet. The three header packets, some 4 kB, are not among them: both ends make them from the settings,
//! as RFC 5215, section 3, sends them beside the stream. Without Ogg pages round them the packets are what a file holds.

mod raw;

use super::storage::{self, Storage};
use crate::codec::about::{Bitrates, Delay, Licence, Terms};
use crate::codec::api::{Codec, Decoder, Encoder, Input, Observed, Parameters, Request, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::{Bitrate, Time};
use std::collections::BTreeMap;
use std::time::Duration;

pub static VORBIS: Codec<Pcm> = Codec {
    name: "Vorbis",
    version: || format!("libvorbis {} through aotuv_lancer_vorbis_sys 0.1.6", raw::version()),
    licence: Licence { code: "BSD-3-Clause", terms: Terms::Open },
    feature: None,
    range: storage::range(Bitrates::Span(32_000, 500_000)),
    rtp: None,
    plc: "silence",
    fec: "",
    configure,
    variants,
};

/// What the encoder's tables for 44.1 and 48 kHz span.
const BITRATES: [Bitrates; 2] = [Bitrates::Span(32_000, 240_000), Bitrates::Span(32_000, 500_000)];
/// libogg gives out a page once it holds more than this many bytes and four whole packets.
const PAGE_BYTES: u64 = 4096;
const PAGE_PACKETS: usize = 4;

/// Samples in a frame, the step by which the encoder looks for attacks: it takes any number, and gives out a block as soon
/// as it can.
const FRAME: usize = 64;
const STORAGE: Storage = Storage { codec: "Vorbis", frame: FRAME, bitrates: BITRATES, usual: [80_000, 128_000] };

fn configure(request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
    let basis = storage::basis(&STORAGE, request, clip)?;
    let bitrate = basis.bitrate.0;
    let long_block = raw::long_block(basis.format.channels, bitrate)?;
    Ok(basis.with(VorbisParameters { bitrate, long_block }))
}

#[derive(Debug)]
struct VorbisParameters {
    /// In bit/s.
    bitrate: u32,
    /// Samples of a long block, which depend on the bitrate.
    long_block: usize,
}

/// Both lengths of blocks.
fn variants() -> Vec<(String, Request)> {
    [(160_000, "blocks of 2048"), (40_000, "blocks of 4096")]
        .map(|(bitrate, label)| (label.into(), Request { bitrate: Some(Bitrate(bitrate)), ..Request::default() }))
        .into()
}

impl VorbisParameters {
    /// How much later than it went in a sample comes out: a block is given out once the longest next one is there whole,
    /// `long_block` samples after its middle; what follows its middle is heard only with the next block, half a
    /// `long_block` later.
    fn ahead(&self) -> usize {
        3 * self.long_block / 2 - FRAME
    }
}

impl Parameters<Pcm> for VorbisParameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        let channels = settings.format.channels;
        let mut vorbis = raw::Encoder::new(channels, self.bitrate)?;
        vorbis.push(&vec![0; self.ahead() * usize::from(channels)])?;
        Ok(Box::new(VorbisEncoder { vorbis, coded: 0 }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        Ok(Box::new(VorbisDecoder(raw::Decoder::new(settings.format.channels, self.bitrate)?)))
    }

    /// The usual length of a packet's media: most blocks are long.
    fn observe(&self, settings: &Settings<Pcm>, units: &[Unit]) -> Observed {
        let mut counts = BTreeMap::new();
        units.iter().for_each(|unit| *counts.entry(unit.duration.as_micros()).or_insert(0) += 1);
        let usual = counts.iter().max_by_key(|(_, count)| **count).map(|(micros, _)| *micros as f64 / 1000.0);
        Observed { frame_ms: usual, ..Observed::as_set(settings) }
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        let page = Duration::from_secs_f64(PAGE_BYTES as f64 * 8.0 / f64::from(self.bitrate));
        Delay {
            encoder: storage::samples(self.ahead()),
            decoder: Duration::ZERO,
            container: page.max(storage::samples(PAGE_PACKETS * self.long_block / 2)),
            spec: Some(storage::samples(self.long_block - FRAME)),
            source: "libvorbis: a block waits for the whole of a long one after it; Vorbis I, section 4.3.8: a long block, \
                     of which half overlaps; pages as libogg's ogg_stream_pageout gives them out",
        }
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        vec![("long_block", self.long_block.to_string())]
    }
}

struct VorbisEncoder {
    vorbis: raw::Encoder,
    /// Samples that the units so far stand for.
    coded: usize,
}

impl VorbisEncoder {
    /// On the clock of what is decoded: a packet stands for the media from its middle to that of the next.
    fn take(&mut self, out: &mut Vec<Unit>) -> Result<()> {
        while let Some(packet) = self.vorbis.packet()? {
            out.push(storage::unit(packet.data, self.coded, packet.advance));
            self.coded += packet.advance;
        }
        Ok(())
    }
}

impl Encoder<Pcm> for VorbisEncoder {
    fn encode(&mut self, _: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        self.vorbis.push(&frame.samples)?;
        self.take(out)
    }

    fn finish(&mut self, out: &mut Vec<Unit>) -> Result<()> {
        self.vorbis.end()?;
        self.take(out)
    }
}

struct VorbisDecoder(raw::Decoder);

impl Decoder<Pcm> for VorbisDecoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit([]) => Err(Error::Codec { codec: "Vorbis", reason: "the packet is empty".into() }),
            Input::Unit(data) => self.0.decode(data, &mut out.samples),
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                storage::silence(missing, out);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_block_comes_out_once_a_whole_one_is_there_after_it() {
        for (bitrate, long) in [(160_000, 2048), (40_000, 4096)] {
            assert_eq!(raw::long_block(1, bitrate).unwrap(), long);
            let mut encoder = raw::Encoder::new(1, bitrate).unwrap();
            let mut middle = 0;
            for given in 1..=12 * long {
                let hum = 3000.0 * (given as f64 * 0.03).sin();
                encoder.push(&[hum as i16]).unwrap();
                while let Some(packet) = encoder.packet().unwrap() {
                    if middle > 8 * long {
                        assert_eq!((given, packet.advance), (middle + long, long / 2), "{bitrate} bit/s");
                    }
                    middle += packet.advance;
                }
            }
            assert!(middle > 10 * long);
        }
    }

    #[test]
    fn pages_hold_back_4096_bytes_or_four_packets() {
        let held = |bitrate| {
            let request = Request { bitrate: Some(Bitrate(bitrate)), ..Request::default() };
            configure(&request, &PcmFormat { sample_rate: 48_000, channels: 2 }).unwrap().delay().container
        };
        assert_eq!(held(64_000), Duration::from_millis(512));
        assert_eq!(held(500_000), storage::samples(4 * 1024));
    }
}
