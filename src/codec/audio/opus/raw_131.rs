//! libopus 1.3.1 as `unsafe-libopus` has it: the functions of the C library, as unsafe as they were there.
//!
//! One of them does not do what it did there: after a lost SILK frame the translated decoder gives out full scale, for many
//! frames on, where the C library of the same version goes on quietly. So it is never asked to conceal; losses, and packets
//! of DTX, which ask for the same, are filled by pitch repetition.
#![expect(unsafe_code, reason = "the translated library has the interface of the C one")]

use super::packet::DTX_BYTES;
use super::raw::{Decode, Encode, Set};
use crate::codec::audio::plc::Concealer;
use crate::error::{Error, Result};
use crate::media::PcmFormat;
use std::ffi::c_int;
use std::ptr::NonNull;
use unsafe_libopus as unsafe_sys;

#[cfg(test)]
pub(super) fn version() -> &'static str {
    unsafe_sys::opus_get_version_string()
}

/// A running encoder.
pub(super) struct Encoder {
    state: NonNull<unsafe_sys::OpusEncoder>,
    channels: usize,
}

// SAFETY: the state is owned by this value alone, and the library keeps nothing of it in thread-local storage.
unsafe impl Send for Encoder {}

impl Encode for Encoder {
    fn new(sample_rate: u32, channels: u8, application: c_int) -> Result<Encoder> {
        let mut error = 0;
        // SAFETY: `error` is a valid place for one number; the other arguments are plain numbers that are checked.
        let state = unsafe {
            unsafe_sys::opus_encoder_create(sample_rate as i32, c_int::from(channels), application, &mut error)
        };
        match NonNull::new(state) {
            Some(state) if error == unsafe_sys::OPUS_OK => Ok(Encoder { state, channels: usize::from(channels) }),
            _ => Err(refused(error)),
        }
    }

    fn set(&mut self, option: Set, value: i32) -> Result<()> {
        // SAFETY: the state is alive, and every option of `Set` takes one number, or is refused before it is read.
        check(unsafe { unsafe_sys::opus_encoder_ctl!(self.state.as_ptr(), option as c_int, value) }).map(|_| ())
    }

    fn encode(&mut self, samples: &[i16], out: &mut [u8]) -> Result<usize> {
        let (frame, room) = (length(samples.len() / self.channels), length(out.len()));
        // SAFETY: the state is alive; `frame` samples for each channel can be read and `room` bytes be written.
        check(unsafe { unsafe_sys::opus_encode(self.state.as_ptr(), samples.as_ptr(), frame, out.as_mut_ptr(), room) })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_encoder_create`, and dropped once.
        unsafe { unsafe_sys::opus_encoder_destroy(self.state.as_ptr()) }
    }
}

/// A running decoder.
pub(super) struct Decoder {
    state: NonNull<unsafe_sys::OpusDecoder>,
    /// One for each channel.
    concealers: Vec<Concealer>,
}

// SAFETY: as for the encoder.
unsafe impl Send for Decoder {}

impl Decode for Decoder {
    fn new(sample_rate: u32, channels: u8) -> Result<Decoder> {
        let mut error = 0;
        // SAFETY: `error` is a valid place for one number; the other arguments are plain numbers that are checked.
        let state = unsafe { unsafe_sys::opus_decoder_create(sample_rate as i32, c_int::from(channels), &mut error) };
        match NonNull::new(state) {
            Some(state) if error == unsafe_sys::OPUS_OK => {
                let concealer = |_| Concealer::new(PcmFormat::mono(sample_rate));
                Ok(Decoder { state, concealers: (0..channels).map(concealer).collect() })
            }
            _ => Err(refused(error)),
        }
    }

    fn set(&mut self, option: Set, value: i32) -> Result<()> {
        // SAFETY: the state is alive, and every option of `Set` takes one number, or is refused before it is read.
        check(unsafe { unsafe_sys::opus_decoder_ctl!(self.state.as_ptr(), option as c_int, value) }).map(|_| ())
    }

    fn decode(&mut self, packet: Option<&[u8]>, out: &mut [i16], fec: bool) -> Result<usize> {
        let channels = self.concealers.len();
        let Some(data) = packet else {
            self.conceal(out);
            return Ok(out.len() / channels);
        };
        let bytes = length(data.len());
        if data.len() <= DTX_BYTES && !fec {
            // SAFETY: the state is alive, and `data` points to so many bytes.
            let samples =
                check(unsafe { unsafe_sys::opus_decoder_get_nb_samples(self.state.as_ptr(), data.as_ptr(), bytes) })?;
            let part = out.get_mut(..samples * channels).ok_or_else(|| refused(unsafe_sys::OPUS_BUFFER_TOO_SMALL))?;
            self.conceal(part);
            return Ok(samples);
        }
        let (room, state) = (length(out.len() / channels), self.state.as_ptr());
        // SAFETY: the state is alive; `data` points to `bytes` bytes; `out` takes `room` samples for each channel.
        let samples = check(unsafe {
            unsafe_sys::opus_decode(state, data.as_ptr(), bytes, out.as_mut_ptr(), room, c_int::from(fec))
        })?;
        for (channel, concealer) in self.concealers.iter_mut().enumerate() {
            let places = || (channel..samples * channels).step_by(channels);
            let mut heard: Vec<i16> = places().map(|i| out[i]).collect();
            concealer.heard(&mut heard);
            places().zip(heard).for_each(|(i, sample)| out[i] = sample);
        }
        Ok(samples)
    }
}

impl Decoder {
    fn conceal(&mut self, out: &mut [i16]) {
        let channels = self.concealers.len();
        for (channel, concealer) in self.concealers.iter_mut().enumerate() {
            let mut made = Vec::new();
            concealer.conceal(out.len() / channels, &mut made);
            out.iter_mut().skip(channel).step_by(channels).zip(made).for_each(|(place, sample)| *place = sample);
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_decoder_create`, and dropped once.
        unsafe { unsafe_sys::opus_decoder_destroy(self.state.as_ptr()) }
    }
}

/// No buffer of this program is near 2^31.
fn length(n: usize) -> c_int {
    c_int::try_from(n).unwrap_or(c_int::MAX)
}

/// A count, or the error that a negative one is.
fn check(code: c_int) -> Result<usize> {
    usize::try_from(code).map_err(|_| refused(code))
}

fn refused(code: c_int) -> Error {
    Error::Codec { codec: "opus@1.3.1", reason: unsafe_sys::opus_strerror(code).into() }
}
