//! libspeex by its C interface (speex-sys). The only unsafe code of [`super`].
#![expect(unsafe_code, reason = "libspeex is a C library")]

use crate::error::{Error, Result};
use speex_sys as sys;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Samples of the longest frame, ultra-wideband, and room for one packet of three frames.
const SAMPLES: usize = 640;
const BYTES: usize = 512;

/// Options of the encoder; each takes one number.
#[derive(Clone, Copy, Debug)]
#[repr(i32)]
pub(super) enum Set {
    Complexity = sys::SPEEX_SET_COMPLEXITY,
    /// In bit/s; the library takes the highest of its rates that is not above it.
    Bitrate = sys::SPEEX_SET_BITRATE,
    /// Average bitrate of a variable one, in bit/s.
    AverageBitrate = sys::SPEEX_SET_ABR,
    /// 1: short frames in pauses.
    VoiceActivity = sys::SPEEX_SET_VAD,
}

/// "1.2.1", from the library itself.
pub(super) fn version() -> String {
    let mut text: *const c_char = std::ptr::null();
    let place = (&raw mut text).cast::<c_void>();
    // SAFETY: this request writes one pointer, to a static string that ends with a zero byte.
    let failed = unsafe { sys::speex_lib_ctl(sys::SPEEX_LIB_GET_VERSION_STRING, place) } != 0;
    if failed || text.is_null() {
        return "of an unknown version".into();
    }
    // SAFETY: not null, hence the string of the request.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Bits on their way in or out.
struct Bits(sys::SpeexBits);

impl Bits {
    fn new() -> Bits {
        let mut bits = MaybeUninit::uninit();
        // SAFETY: the call sets every field, and takes memory that `Drop` gives back.
        unsafe {
            sys::speex_bits_init(bits.as_mut_ptr());
            Bits(bits.assume_init())
        }
    }
}

impl Drop for Bits {
    fn drop(&mut self) {
        // SAFETY: made by `speex_bits_init`, and dropped once.
        unsafe { sys::speex_bits_destroy(&mut self.0) }
    }
}

/// A running encoder. Band: 0 narrow, 1 wide, 2 ultra-wide.
pub(super) struct Encoder {
    state: NonNull<c_void>,
    bits: Bits,
}

// SAFETY: state and bits are owned by this value alone; libspeex shares only constant tables.
unsafe impl Send for Encoder {}

impl Encoder {
    pub fn new(band: c_int) -> Result<Encoder> {
        // SAFETY: takes one of the library's own modes, each of which is static, and gives a state or null.
        let state = unsafe { sys::speex_encoder_init(sys::speex_lib_get_mode(band)) };
        Ok(Encoder { state: NonNull::new(state).ok_or_else(no_memory)?, bits: Bits::new() })
    }

    pub fn set(&mut self, option: Set, value: i32) -> Result<()> {
        let mut value: c_int = value;
        let place = (&raw mut value).cast::<c_void>();
        // SAFETY: the state is alive, and every option of `Set` reads one number from the pointer.
        let failed = unsafe { sys::speex_encoder_ctl(self.state.as_ptr(), option as c_int, place) } != 0;
        let refused = || Error::Codec { codec: "speex", reason: format!("{option:?} {value} refused") };
        if failed { Err(refused()) } else { Ok(()) }
    }

    /// What the library took, in bit/s.
    #[cfg(test)]
    pub fn bitrate(&mut self) -> i32 {
        let mut value: c_int = 0;
        // SAFETY: the state is alive, and this request writes one number to the pointer.
        unsafe {
            sys::speex_encoder_ctl(self.state.as_ptr(), sys::SPEEX_GET_BITRATE, (&raw mut value).cast::<c_void>())
        };
        value
    }

    /// Codes `frames`, each as long as the band's frame, into one packet.
    pub fn encode<'a>(&mut self, frames: impl Iterator<Item = &'a [i16]>) -> Result<Vec<u8>> {
        // SAFETY: the bits are alive.
        unsafe { sys::speex_bits_reset(&mut self.bits.0) };
        for frame in frames {
            // The library changes its input; a longer buffer than any frame cannot be read beyond.
            let mut samples = [0; SAMPLES];
            samples.get_mut(..frame.len()).ok_or_else(no_memory)?.copy_from_slice(frame);
            // SAFETY: state and bits are alive; a frame is at most as long as `samples`.
            unsafe { sys::speex_encode_int(self.state.as_ptr(), samples.as_mut_ptr(), &mut self.bits.0) };
        }
        let mut packet = vec![0u8; BYTES];
        // SAFETY: the bits are alive; the library writes at most as many bytes as it is told there are.
        let length = unsafe {
            sys::speex_bits_insert_terminator(&mut self.bits.0);
            sys::speex_bits_write(&mut self.bits.0, packet.as_mut_ptr().cast::<c_char>(), BYTES as c_int)
        };
        packet.truncate(usize::try_from(length).unwrap_or_default());
        Ok(packet)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `speex_encoder_init`, and dropped once.
        unsafe { sys::speex_encoder_destroy(self.state.as_ptr()) }
    }
}

/// A running decoder, with its perceptual enhancement, as the library sets it.
pub(super) struct Decoder {
    state: NonNull<c_void>,
    bits: Bits,
    /// Samples per frame.
    frame: usize,
}

// SAFETY: as for the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    /// `frame`: samples per frame of that band.
    pub fn new(band: c_int, frame: usize) -> Result<Decoder> {
        // SAFETY: as for the encoder.
        let state = unsafe { sys::speex_decoder_init(sys::speex_lib_get_mode(band)) };
        Ok(Decoder { state: NonNull::new(state).ok_or_else(no_memory)?, bits: Bits::new(), frame })
    }

    /// Decodes the frames of one packet to the end of `out`.
    pub fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
        let length = c_int::try_from(data.len()).unwrap_or(c_int::MAX);
        // SAFETY: the bits are alive, and copy `length` bytes out of `data`.
        unsafe { sys::speex_bits_read_from(&mut self.bits.0, data.as_ptr().cast::<c_char>(), length) };
        let start = out.len();
        loop {
            let mut samples = [0; SAMPLES];
            // SAFETY: state and bits are alive; a frame is at most as long as `samples`.
            let result = unsafe { sys::speex_decode_int(self.state.as_ptr(), &mut self.bits.0, samples.as_mut_ptr()) };
            // SAFETY: the bits are alive.
            let left = unsafe { sys::speex_bits_remaining(&mut self.bits.0) };
            match result {
                0 if left >= 0 => out.extend_from_slice(&samples[..self.frame]),
                -1 if out.len() > start => return Ok(()),
                _ => return Err(Error::Codec { codec: "speex", reason: "the packet is no stream of frames".into() }),
            }
            // Less than the shortest frame or terminator.
            if left < 5 {
                return Ok(());
            }
        }
    }

    pub fn lost(&mut self, out: &mut Vec<i16>) {
        let mut samples = [0; SAMPLES];
        // SAFETY: the state is alive; no bits mean a lost frame, which is at most as long as `samples`.
        unsafe { sys::speex_decode_int(self.state.as_ptr(), std::ptr::null_mut(), samples.as_mut_ptr()) };
        out.extend_from_slice(&samples[..self.frame]);
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `speex_decoder_init`, and dropped once.
        unsafe { sys::speex_decoder_destroy(self.state.as_ptr()) }
    }
}

fn no_memory() -> Error {
    Error::Codec { codec: "speex", reason: "no memory for its state".into() }
}
