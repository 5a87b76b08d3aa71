//! A codec for codecbench's `external`: G.711 mu-law, and a lost frame is the last one at half the level.
//!
//! It is the whole of what a program of yours must do; the protocol is told in `src/codec/audio/external/mod.rs`. In a plan:
//!
//! ```toml
//! [[settings]]
//! codec = "external"
//! program = { command = ["target/release/examples/external_codec", "{sample_rate}", "{frame_ms}"], sample_rate = 8000, frame = "20ms" }
//! ```

use std::io::{self, Read, Write};

/// In the place of a packet's length: it was lost.
const LOST: u32 = u32::MAX;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let usage = || io::Error::other("usage: external_codec SAMPLE_RATE FRAME_MS encode|decode");
    let [_, sample_rate, frame_ms, direction] = arguments.as_slice() else { return Err(usage()) };
    let number = |text: &str| text.parse::<f64>().map_err(|_| usage());
    let samples = (number(sample_rate)? * number(frame_ms)? / 1000.0).round() as usize;
    match direction.as_str() {
        "encode" => encode(samples, io::stdin().lock(), io::stdout().lock()),
        "decode" => decode(samples, io::stdin().lock(), io::stdout().lock()),
        _ => Err(usage()),
    }
}

fn encode(samples: usize, mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut frame = vec![0; 2 * samples];
    while fill(&mut from, &mut frame)? {
        let packet: Vec<u8> = frame.chunks_exact(2).map(|b| to_mu_law(i16::from_le_bytes([b[0], b[1]]))).collect();
        to.write_all(&(packet.len() as u32).to_le_bytes())?;
        to.write_all(&packet)?;
        to.flush()?;
    }
    Ok(())
}

fn decode(samples: usize, mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut frame: Vec<i16> = vec![0; samples];
    let mut length = [0; 4];
    while fill(&mut from, &mut length)? {
        match u32::from_le_bytes(length) {
            LOST => frame.iter_mut().for_each(|sample| *sample /= 2),
            length => {
                let mut packet = vec![0; length as usize];
                from.read_exact(&mut packet)?;
                if packet.len() != samples {
                    return Err(io::Error::other(format!("a packet of {length} bytes, not {samples}")));
                }
                frame = packet.into_iter().map(from_mu_law).collect();
            }
        }
        let bytes: Vec<u8> = frame.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        to.write_all(&bytes)?;
        to.flush()?;
    }
    Ok(())
}

/// Reads all of `buffer`; false at the end of the input.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| true),
    }
}

/// ITU-T G.711, Table 2.
fn to_mu_law(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let segment = magnitude.ilog2() - 7;
    let code = (segment << 4) as u8 | ((magnitude >> (segment + 3)) & 15) as u8;
    !(if sample < 0 { code | 0x80 } else { code })
}

fn from_mu_law(code: u8) -> i16 {
    let code = !code;
    let magnitude = (((2 * i16::from(code & 15) + 33) << (code >> 4 & 7)) - 33) * 4;
    if code & 0x80 != 0 { -magnitude } else { magnitude }
}
