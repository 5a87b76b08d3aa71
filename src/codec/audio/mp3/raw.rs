//! LAME by its C interface: constant bitrate at 48 kHz.
//!
//! All audio is interleaved 16-bit PCM.
#![expect(unsafe_code, reason = "LAME is a C library")]

use crate::codec::audio::storage::RATE;
use crate::error::{Error, Result};
use mp3lame_sys as sys;
use std::ffi::{CStr, c_int};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// Setting up an encoder fills tables that all encoders share.
static SET_UP: Mutex<()> = Mutex::new(());

/// "3.100", from the library itself.
pub(super) fn version() -> String {
    // SAFETY: LAME returns a static string that ends with a zero byte.
    unsafe { CStr::from_ptr(sys::get_lame_short_version()) }.to_string_lossy().into_owned()
}

/// A running encoder.
pub(super) struct Encoder {
    lame: NonNull<sys::lame_global_flags>,
    channels: usize,
}

// SAFETY: the state is owned by this value alone, and LAME keeps nothing of it in thread-local storage.
unsafe impl Send for Encoder {}

impl Encoder {
    pub fn new(channels: u8, bitrate: u32) -> Result<Encoder> {
        let _alone = SET_UP.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: makes a state, or gives null.
        let lame = NonNull::new(unsafe { sys::lame_init() }).ok_or_else(|| failed("making an encoder", 0))?;
        let encoder = Encoder { lame, channels: usize::from(channels) };
        let mode = if channels == 1 { sys::MPEG_mode::MONO } else { sys::MPEG_mode::JOINT_STEREO };
        let state = encoder.lame.as_ptr();
        // SAFETY: the state is alive; the rest are plain numbers that LAME checks. No tag frame is written first.
        let codes = unsafe {
            [
                sys::lame_set_in_samplerate(state, RATE as c_int),
                sys::lame_set_out_samplerate(state, RATE as c_int),
                sys::lame_set_num_channels(state, c_int::from(channels)),
                sys::lame_set_mode(state, mode),
                sys::lame_set_brate(state, (bitrate / 1000) as c_int),
                sys::lame_set_bWriteVbrTag(state, 0),
                sys::lame_init_params(state),
            ]
        };
        match codes.into_iter().find(|code| *code < 0) {
            Some(code) => Err(failed("setting up the encoder", code)),
            None => Ok(encoder),
        }
    }

    /// Samples that LAME puts before the signal.
    #[cfg(test)]
    pub fn delay(&self) -> usize {
        // SAFETY: the state is alive and set up.
        usize::try_from(unsafe { sys::lame_get_encoder_delay(self.lame.as_ptr()) }).unwrap_or(0)
    }

    /// Codes samples and appends what is complete, in whole bytes but not in whole frames.
    pub fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) -> Result<()> {
        let split = |channel: usize| samples.iter().skip(channel).step_by(self.channels).copied().collect::<Vec<i16>>();
        let (left, right) = (split(0), split(self.channels - 1));
        let state = self.lame.as_ptr();
        self.append(left.len(), out, |bytes, room| {
            // SAFETY: the state is alive; each channel has so many samples, and `room` bytes can be written.
            unsafe { sys::lame_encode_buffer(state, left.as_ptr(), right.as_ptr(), left.len() as c_int, bytes, room) }
        })
    }

    /// Codes what is held back. No samples come after this.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let state = self.lame.as_ptr();
        // SAFETY: the state is alive, and `room` bytes can be written.
        self.append(4 * 1152, out, |bytes, room| unsafe { sys::lame_encode_flush(state, bytes, room) })
    }

    fn append(&self, samples: usize, out: &mut Vec<u8>, code: impl FnOnce(*mut u8, c_int) -> c_int) -> Result<()> {
        // What lame.h asks for.
        let mut bytes = vec![0u8; samples + samples / 4 + 7200];
        let length = code(bytes.as_mut_ptr(), bytes.len() as c_int);
        let length = usize::try_from(length).map_err(|_| failed("coding", length))?;
        out.extend_from_slice(&bytes[..length]);
        Ok(())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `lame_init`, and dropped once.
        unsafe { sys::lame_close(self.lame.as_ptr()) };
    }
}

fn failed(doing: &str, code: c_int) -> Error {
    Error::Codec { codec: "MP3", reason: format!("{doing} failed with {code}") }
}
