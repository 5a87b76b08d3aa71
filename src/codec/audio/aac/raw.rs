//! libfdk-aac by its C interface: raw access units at 48 kHz.
//!
//! All audio is interleaved 16-bit PCM.
#![expect(unsafe_code, reason = "libfdk-aac is a C library")]

use crate::codec::audio::storage::RATE;
use crate::error::{Error, Result};
use fdk_aac_sys as sys;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{NonNull, null, null_mut};

/// Those of encoder and decoder, "4.0.0", from the library itself.
pub(super) fn versions() -> [String; 2] {
    [sys::FDK_MODULE_ID_FDK_AACENC, sys::FDK_MODULE_ID_FDK_AACDEC].map(|module| {
        // SAFETY: zero is a value of all of it, numbers and pointers; the library fills what is there, up to its count.
        let modules = unsafe {
            let mut modules: [sys::LIB_INFO; sys::FDK_MODULE_ID_FDK_MODULE_LAST as usize] = std::mem::zeroed();
            if module == sys::FDK_MODULE_ID_FDK_AACENC {
                sys::aacEncGetLibInfo(modules.as_mut_ptr());
            } else {
                sys::aacDecoder_GetLibInfo(modules.as_mut_ptr());
            }
            modules
        };
        let found = modules.iter().find(|m| m.module_id == module);
        // SAFETY: the text ends with a zero byte within its 32 places.
        found.map_or_else(String::new, |m| {
            unsafe { CStr::from_ptr(m.versionStr.as_ptr()) }.to_string_lossy().into_owned()
        })
    })
}

/// A running encoder.
pub(super) struct Encoder {
    fdk: NonNull<sys::AACENCODER>,
    info: sys::AACENC_InfoStruct,
}

// SAFETY: the state is owned by this value alone, and the library keeps nothing of it in thread-local storage.
unsafe impl Send for Encoder {}

impl Encoder {
    /// `object_type`: ISO/IEC 14496-3, table 1.17; `frame`: samples per channel.
    ///
    /// # Errors
    /// The library does not take the bitrate as it is.
    pub fn new(object_type: u32, channels: u8, bitrate: u32, frame: usize) -> Result<Encoder> {
        let mut handle = null_mut();
        // SAFETY: `handle` is a place for one pointer; 0: all modules.
        check(unsafe { sys::aacEncOpen(&mut handle, 0, u32::from(channels)) }, "making an encoder")?;
        let fdk = NonNull::new(handle).ok_or_else(|| failed("making an encoder", 0))?;
        // SAFETY: zero is a value of all of its fields, which are numbers.
        let mut encoder = Encoder { fdk, info: unsafe { std::mem::zeroed() } };
        let low_delay = object_type == sys::AUDIO_OBJECT_TYPE_AOT_ER_AAC_LD as u32
            || object_type == sys::AUDIO_OBJECT_TYPE_AOT_ER_AAC_ELD as u32;
        // SBR in AAC-ELD is another codec; HE-AAC has it by its object type. The frame of HE-AAC is given by itself.
        let short = [(sys::AACENC_PARAM_AACENC_GRANULE_LENGTH, frame as u32), (sys::AACENC_PARAM_AACENC_SBR_MODE, 0)];
        let parameters = [
            (sys::AACENC_PARAM_AACENC_AOT, object_type),
            (sys::AACENC_PARAM_AACENC_SAMPLERATE, RATE),
            (sys::AACENC_PARAM_AACENC_CHANNELMODE, u32::from(channels)),
            (sys::AACENC_PARAM_AACENC_BITRATEMODE, 0),
            (sys::AACENC_PARAM_AACENC_BITRATE, bitrate),
            (sys::AACENC_PARAM_AACENC_TRANSMUX, sys::TRANSPORT_TYPE_TT_MP4_RAW as u32),
            // The better of two searches for quantisers; its authors recommend it.
            (sys::AACENC_PARAM_AACENC_AFTERBURNER, 1),
        ];
        for (parameter, value) in parameters.into_iter().chain(short.into_iter().filter(|_| low_delay)) {
            // SAFETY: the state is alive; the others are plain numbers that are checked.
            check(unsafe { sys::aacEncoder_SetParam(fdk.as_ptr(), parameter, value) }, "setting up the encoder")?;
        }
        // SAFETY: the state is alive; without buffers the parameters are taken over.
        check(
            unsafe { sys::aacEncEncode(fdk.as_ptr(), null(), null(), null(), null_mut()) },
            "setting up the encoder",
        )?;
        // SAFETY: the state is alive, and `info` is a place for what is known of it.
        check(unsafe { sys::aacEncInfo(fdk.as_ptr(), &mut encoder.info) }, "asking the encoder")?;
        // SAFETY: the state is alive.
        let taken = unsafe { sys::aacEncoder_GetParam(fdk.as_ptr(), sys::AACENC_PARAM_AACENC_BITRATE) };
        if taken != bitrate || encoder.info.frameLength as usize != frame {
            let reason = format!(
                "libfdk-aac takes {taken} bit/s in frames of {}, not {bitrate} in frames of {frame}",
                encoder.info.frameLength
            );
            return Err(Error::Codec { codec: "AAC", reason });
        }
        Ok(encoder)
    }

    /// The AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2).
    pub fn config(&self) -> &[u8] {
        &self.info.confBuf[..(self.info.confSize as usize).min(self.info.confBuf.len())]
    }

    /// Samples of delay of the core coder alone, and with what SBR adds in the decoder.
    #[cfg(test)]
    pub fn delays(&self) -> [usize; 2] {
        [self.info.nDelayCore as usize, self.info.nDelay as usize]
    }

    /// Codes one frame.
    pub fn encode(&mut self, samples: &[i16]) -> Result<Option<Vec<u8>>> {
        let mut bytes = c_int::try_from(size_of_val(samples)).unwrap_or(c_int::MAX);
        let mut place = samples.as_ptr().cast_mut().cast::<c_void>();
        let (mut kind, mut size) = (sys::AACENC_BufferIdentifier_IN_AUDIO_DATA as c_int, size_of::<i16>() as c_int);
        let input = sys::AACENC_BufDesc {
            numBufs: 1,
            bufs: &mut place,
            bufferIdentifiers: &mut kind,
            bufSizes: &mut bytes,
            bufElSizes: &mut size,
        };
        self.code(&input, c_int::try_from(samples.len()).unwrap_or(c_int::MAX))
    }

    /// What is held back, one access unit after the other. No samples come after this.
    pub fn flush(&mut self) -> Result<Option<Vec<u8>>> {
        let nothing = sys::AACENC_BufDesc {
            numBufs: 0,
            bufs: null_mut(),
            bufferIdentifiers: null_mut(),
            bufSizes: null_mut(),
            bufElSizes: null_mut(),
        };
        self.code(&nothing, -1)
    }

    /// `samples` of all channels lie in `input`; -1: none follow.
    fn code(&mut self, input: &sys::AACENC_BufDesc, samples: c_int) -> Result<Option<Vec<u8>>> {
        let mut data = vec![0u8; self.info.maxOutBufBytes as usize];
        let mut place = data.as_mut_ptr().cast::<c_void>();
        let mut bytes = c_int::try_from(data.len()).unwrap_or(c_int::MAX);
        let (mut kind, mut size) = (sys::AACENC_BufferIdentifier_OUT_BITSTREAM_DATA as c_int, 1);
        let output = sys::AACENC_BufDesc {
            numBufs: 1,
            bufs: &mut place,
            bufferIdentifiers: &mut kind,
            bufSizes: &mut bytes,
            bufElSizes: &mut size,
        };
        let given = sys::AACENC_InArgs { numInSamples: samples, numAncBytes: 0 };
        let mut got = sys::AACENC_OutArgs { numOutBytes: 0, numInSamples: 0, numAncBytes: 0, bitResState: 0 };
        // SAFETY: the state is alive; both descriptions name buffers that are alive and as long as said, of which the
        // library only reads the first.
        let code = unsafe { sys::aacEncEncode(self.fdk.as_ptr(), input, &output, &given, &mut got) };
        if code == sys::AACENC_ERROR_AACENC_ENCODE_EOF {
            return Ok(None);
        }
        check(code, "coding")?;
        if samples >= 0 && got.numInSamples != samples {
            return Err(failed("taking a whole frame", got.numInSamples));
        }
        data.truncate(usize::try_from(got.numOutBytes).unwrap_or(0));
        Ok(Some(data).filter(|data| !data.is_empty()))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let mut handle = self.fdk.as_ptr();
        // SAFETY: made by `aacEncOpen`, and dropped once.
        unsafe { sys::aacEncClose(&mut handle) };
    }
}

/// A running decoder.
pub(super) struct Decoder {
    fdk: NonNull<sys::AAC_DECODER_INSTANCE>,
    channels: usize,
}

// SAFETY: as for the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    pub fn new(config: &[u8], channels: u8) -> Result<Decoder> {
        // SAFETY: makes a state, or gives null.
        let fdk = NonNull::new(unsafe { sys::aacDecoder_Open(sys::TRANSPORT_TYPE_TT_MP4_RAW, 1) });
        let decoder =
            Decoder { fdk: fdk.ok_or_else(|| failed("making a decoder", 0))?, channels: usize::from(channels) };
        let (mut place, length) = (config.as_ptr().cast_mut(), config.len() as u32);
        // SAFETY: the state is alive, and `place` has so many bytes, which are only read.
        check(
            unsafe { sys::aacDecoder_ConfigRaw(decoder.fdk.as_ptr(), &mut place, &length) },
            "reading the AudioSpecificConfig",
        )?;
        for (parameter, value) in [
            // HE-AAC in mono would come out in stereo, since it might have parametric stereo in it.
            (sys::AACDEC_PARAM_AAC_PCM_MAX_OUTPUT_CHANNELS, c_int::from(channels)),
            // Both cost delay that is not the codec's: 15 ms of look-ahead, and a frame to interpolate from.
            (sys::AACDEC_PARAM_AAC_PCM_LIMITER_ENABLE, 0),
            (sys::AACDEC_PARAM_AAC_CONCEAL_METHOD, 1),
        ] {
            // SAFETY: the state is alive; the others are plain numbers that are checked.
            check(
                unsafe { sys::aacDecoder_SetParam(decoder.fdk.as_ptr(), parameter, value) },
                "setting up the decoder",
            )?;
        }
        Ok(decoder)
    }

    /// Decodes one access unit; `out` is as long as one frame.
    pub fn decode(&mut self, data: &[u8], out: &mut [i16]) -> Result<()> {
        let (mut place, length) = (data.as_ptr().cast_mut(), u32::try_from(data.len()).unwrap_or(u32::MAX));
        let mut left = length;
        // SAFETY: the state is alive, and `place` has so many bytes, which are only read.
        let taken = unsafe { sys::aacDecoder_Fill(self.fdk.as_ptr(), &mut place, &length, &mut left) };
        let whole = check(taken, "taking an access unit");
        let too_long = if left > 0 { Err(failed("taking a whole access unit", left as c_int)) } else { Ok(()) };
        let decoded = whole.and(too_long).and_then(|()| self.frame(out, 0));
        if decoded.is_err() {
            // What is left of a broken unit must not be read as the beginning of the next one.
            // SAFETY: the state is alive.
            unsafe { sys::aacDecoder_SetParam(self.fdk.as_ptr(), sys::AACDEC_PARAM_AAC_TPDEC_CLEAR_BUFFER, 1) };
        }
        decoded
    }

    /// Makes up one frame.
    pub fn conceal(&mut self, out: &mut [i16]) -> Result<()> {
        self.frame(out, sys::AACDEC_CONCEAL)
    }

    fn frame(&mut self, out: &mut [i16], flags: u32) -> Result<()> {
        let room = c_int::try_from(out.len()).unwrap_or(c_int::MAX);
        // SAFETY: the state is alive, and `out` has room for so many samples.
        check(
            unsafe { sys::aacDecoder_DecodeFrame(self.fdk.as_ptr(), out.as_mut_ptr(), room, flags) },
            "decoding an access unit",
        )?;
        // SAFETY: the state is alive, and so is what it tells of itself as long as nothing is called; it is copied at once.
        let (samples, channels) = unsafe {
            let info = sys::aacDecoder_GetStreamInfo(self.fdk.as_ptr());
            ((*info).frameSize, (*info).numChannels)
        };
        if samples as usize * self.channels != out.len() || channels as usize != self.channels {
            return Err(failed("decoding a frame of the same form", channels));
        }
        Ok(())
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `aacDecoder_Open`, and dropped once.
        unsafe { sys::aacDecoder_Close(self.fdk.as_ptr()) };
    }
}

fn check(code: u32, doing: &str) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(failed(doing, code as c_int)) }
}

fn failed(doing: &str, code: c_int) -> Error {
    Error::Codec { codec: "AAC", reason: format!("{doing} failed with {code:#x}") }
}
