//! libvorbis by its C interface, packet by packet: no Ogg pages. Always 48 kHz.
//!
//! All audio is interleaved 16-bit PCM.
#![expect(unsafe_code, reason = "libvorbis is a C library")]

use crate::codec::audio::storage::RATE;
use crate::error::{Error, Result};
use aotuv_lancer_vorbis_sys as sys;
use ogg_next_sys::ogg_packet;
use std::ffi::{CStr, c_int, c_long};
use std::ptr::{NonNull, null_mut};

/// "aoTuV Beta 6.03 (2020)" and the like, from the library itself.
pub(super) fn version() -> String {
    // SAFETY: libvorbis returns a static string that ends with a zero byte.
    unsafe { CStr::from_ptr(sys::vorbis_version_string()) }.to_string_lossy().into_owned()
}

/// Samples in a long block at that bitrate.
pub(super) fn long_block(channels: u8, bitrate: u32) -> Result<usize> {
    let state = State::configured(channels, bitrate)?;
    // SAFETY: the configuration is set up; 1 asks for the long block.
    Ok(count(unsafe { sys::vorbis_info_blocksize(state.info(), 1) }))
}

/// One coded packet.
pub(super) struct Packet {
    pub data: Vec<u8>,
    /// Samples per channel from the middle of its block to that of the next.
    pub advance: usize,
}

pub(super) struct Encoder {
    state: State,
    channels: usize,
}

impl Encoder {
    /// `bitrate` is kept in the mean.
    pub fn new(channels: u8, bitrate: u32) -> Result<Encoder> {
        let mut state = State::configured(channels, bitrate)?;
        // SAFETY: all parts lie at fixed places and are cleared when dropped; the configuration is set up.
        check(unsafe { sys::vorbis_analysis_init(state.dsp(), state.info()) }, "setting up the encoder")?;
        state.running = true;
        // SAFETY: as above, and the encoder runs.
        check(unsafe { sys::vorbis_block_init(state.dsp(), state.block()) }, "setting up a block")?;
        state.block_made = true;
        Ok(Encoder { state, channels: usize::from(channels) })
    }

    pub fn push(&mut self, samples: &[i16]) -> Result<()> {
        let frames = samples.len() / self.channels;
        if frames == 0 {
            return Ok(());
        }
        let length = c_int::try_from(frames).unwrap_or(c_int::MAX);
        // SAFETY: the encoder runs; it gives one buffer for each channel.
        let buffers = unsafe { sys::vorbis_analysis_buffer(self.state.dsp(), length) };
        for channel in 0..self.channels {
            // SAFETY: there is a buffer of `frames` values for each channel, and nothing else refers to it.
            let buffer = unsafe { std::slice::from_raw_parts_mut(*buffers.add(channel), frames) };
            for (place, sample) in buffer.iter_mut().zip(samples.iter().skip(channel).step_by(self.channels)) {
                *place = f32::from(*sample) / 32768.0;
            }
        }
        // SAFETY: the encoder runs, and so many values were written.
        check(unsafe { sys::vorbis_analysis_wrote(self.state.dsp(), length) }, "taking samples")
    }

    /// No samples come after this.
    pub fn end(&mut self) -> Result<()> {
        // SAFETY: the encoder runs; 0 says that the signal ends.
        check(unsafe { sys::vorbis_analysis_wrote(self.state.dsp(), 0) }, "ending the signal")
    }

    /// The next packet, if there is enough for one. In managed mode each block gives one packet.
    pub fn packet(&mut self) -> Result<Option<Packet>> {
        let (dsp, block) = (self.state.dsp(), self.state.block());
        // SAFETY: the encoder runs, and the block is made.
        if unsafe { sys::vorbis_analysis_blockout(dsp, block) } != 1 {
            return Ok(None);
        }
        // SAFETY: the block was just filled; null: the packet is fetched from the bitrate manager.
        check(unsafe { sys::vorbis_analysis(block, null_mut()) }, "coding a block")?;
        // SAFETY: the block was just coded.
        check(unsafe { sys::vorbis_bitrate_addblock(block) }, "managing the bitrate")?;
        let mut packet = empty_packet();
        // SAFETY: the encoder runs, and `packet` is a place for one.
        if unsafe { sys::vorbis_bitrate_flushpacket(dsp, &mut packet) } != 1 {
            return Err(failed("managing the bitrate", 0));
        }
        // SAFETY: the packet lies in the block until the next call, with so many bytes.
        let data = unsafe { std::slice::from_raw_parts(packet.packet, packet.bytes.max(0) as usize) }.to_vec();
        // SAFETY: the block is made, and these are plain numbers.
        let (this, next) = unsafe { ((*block).W, (*block).nW) };
        let size = |long: c_long| {
            // SAFETY: the configuration is set up.
            count(unsafe { sys::vorbis_info_blocksize(self.state.info(), c_int::from(long != 0)) })
        };
        Ok(Some(Packet { data, advance: size(this) / 4 + size(next) / 4 }))
    }
}

pub(super) struct Decoder {
    state: State,
    channels: usize,
}

impl Decoder {
    /// For what an encoder of the same arguments gives out.
    pub fn new(channels: u8, bitrate: u32) -> Result<Decoder> {
        let encoder = Encoder::new(channels, bitrate)?;
        let mut state = State::new();
        let mut headers = [empty_packet(), empty_packet(), empty_packet()];
        let [identification, comment, setup] = &mut headers;
        // SAFETY: the encoder runs and keeps the bytes of the packets; the comment is initialised and empty.
        check(
            unsafe {
                sys::vorbis_analysis_headerout(
                    encoder.state.dsp(),
                    encoder.state.comment(),
                    identification,
                    comment,
                    setup,
                )
            },
            "writing headers",
        )?;
        for header in &mut headers {
            // SAFETY: the parts are initialised, and the encoder, which owns the bytes, is alive.
            check(unsafe { sys::vorbis_synthesis_headerin(state.info(), state.comment(), header) }, "reading headers")?;
        }
        // SAFETY: the headers were read.
        check(unsafe { sys::vorbis_synthesis_init(state.dsp(), state.info()) }, "setting up the decoder")?;
        state.running = true;
        // SAFETY: the decoder runs.
        check(unsafe { sys::vorbis_block_init(state.dsp(), state.block()) }, "setting up a block")?;
        state.block_made = true;
        Ok(Decoder { state, channels: usize::from(channels) })
    }

    /// Appends what comes out: of the first packet nothing, it has nothing to overlap with.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<i16>) -> Result<()> {
        let (dsp, block) = (self.state.dsp(), self.state.block());
        // libvorbis only reads the bytes, though the pointer of a packet is not constant.
        let mut packet = ogg_packet {
            packet: packet.as_ptr().cast_mut(),
            bytes: c_long::try_from(packet.len()).unwrap_or(c_long::MAX),
            ..empty_packet()
        };
        // SAFETY: the decoder runs; the packet has as many bytes as it says, and they outlive the call.
        check(unsafe { sys::vorbis_synthesis(block, &mut packet) }, "decoding a packet")?;
        // SAFETY: the block was just decoded.
        check(unsafe { sys::vorbis_synthesis_blockin(dsp, block) }, "overlapping blocks")?;
        let mut channels: *mut *mut f32 = null_mut();
        // SAFETY: the decoder runs, and `channels` is a place for one pointer.
        let frames = unsafe { sys::vorbis_synthesis_pcmout(dsp, &mut channels) };
        for i in 0..count(frames) {
            for channel in 0..self.channels {
                // SAFETY: there are `frames` values for each of the channels, whose number the headers fixed.
                let value = unsafe { *(*channels.add(channel)).add(i) };
                out.push((value * 32768.0).round().clamp(-32768.0, 32767.0) as i16);
            }
        }
        // SAFETY: so many values were there.
        check(unsafe { sys::vorbis_synthesis_read(dsp, frames.max(0)) }, "taking decoded samples")
    }
}

/// What libvorbis keeps, at fixed places, since its parts point to each other.
struct State {
    parts: NonNull<Parts>,
    running: bool,
    block_made: bool,
}

struct Parts {
    info: sys::vorbis_info,
    comment: sys::vorbis_comment,
    dsp: sys::vorbis_dsp_state,
    block: sys::vorbis_block,
}

// SAFETY: the parts are owned by this value alone, and libvorbis keeps nothing of them in thread-local storage.
unsafe impl Send for State {}

impl State {
    fn new() -> State {
        // SAFETY: all parts are numbers and pointers, for which zero is a value.
        let parts: Box<Parts> = Box::new(unsafe { std::mem::zeroed() });
        let state = State { parts: NonNull::from(Box::leak(parts)), running: false, block_made: false };
        // SAFETY: both are places for what is initialised there.
        unsafe {
            sys::vorbis_info_init(state.info());
            sys::vorbis_comment_init(state.comment());
        }
        state
    }

    /// Set up for encoding at a mean bitrate.
    fn configured(channels: u8, bitrate: u32) -> Result<State> {
        let state = State::new();
        let (channels, rate) = (c_long::from(channels), c_long::from(RATE));
        // SAFETY: `info` is initialised; the rest are plain numbers that are checked. -1: no bound beside the mean.
        let code = unsafe { sys::vorbis_encode_init(state.info(), channels, rate, -1, bitrate as c_long, -1) };
        check(code, "setting the bitrate").map(|()| state)
    }

    fn info(&self) -> *mut sys::vorbis_info {
        // SAFETY: the parts are alive; only the place is taken.
        unsafe { &raw mut (*self.parts.as_ptr()).info }
    }

    fn comment(&self) -> *mut sys::vorbis_comment {
        // SAFETY: as above.
        unsafe { &raw mut (*self.parts.as_ptr()).comment }
    }

    fn dsp(&self) -> *mut sys::vorbis_dsp_state {
        // SAFETY: as above.
        unsafe { &raw mut (*self.parts.as_ptr()).dsp }
    }

    fn block(&self) -> *mut sys::vorbis_block {
        // SAFETY: as above.
        unsafe { &raw mut (*self.parts.as_ptr()).block }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: each part is cleared once, in the order that libvorbis asks for, if it was made; then their place, which
        // came from a box, goes too.
        unsafe {
            if self.block_made {
                sys::vorbis_block_clear(self.block());
            }
            if self.running {
                sys::vorbis_dsp_clear(self.dsp());
            }
            sys::vorbis_comment_clear(self.comment());
            sys::vorbis_info_clear(self.info());
            drop(Box::from_raw(self.parts.as_ptr()));
        }
    }
}

fn empty_packet() -> ogg_packet {
    ogg_packet { packet: null_mut(), bytes: 0, b_o_s: 0, e_o_s: 0, granulepos: -1, packetno: 0 }
}

fn count(n: c_int) -> usize {
    usize::try_from(n).unwrap_or(0)
}

fn check(code: c_int, doing: &str) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(failed(doing, code)) }
}

fn failed(doing: &str, code: c_int) -> Error {
    Error::Codec { codec: "Vorbis", reason: format!("{doing} failed with {code}") }
}
