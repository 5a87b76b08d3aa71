//! openh264 by its C interface (openh264-sys2). The only unsafe code of H.264.
//!
//! One thread everywhere, so that the same pictures give the same bytes. Its messages are silenced: failures are returned.
#![expect(unsafe_code, reason = "openh264 is a C++ library with a C interface")]

use super::syntax::NAME;
use crate::error::{Error, Result};
use crate::media::Picture;
use openh264_sys2 as sys;
use openh264_sys2::source::APILoader as Library;
use std::ffi::{c_int, c_uchar, c_void};
use std::ptr::{self, NonNull};

/// What an encoder is made with.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub width: u32,
    pub height: u32,
    /// Pictures per second, 1 to 60.
    pub rate: f32,
    /// In bit/s.
    pub bitrate: u32,
    /// Temporal layers, 1 to 3.
    pub layers: u8,
    pub screen: bool,
    /// 0 to 2.
    pub complexity: u8,
    /// `profile_idc` and `level_idc` of the sequence parameter set.
    pub profile_idc: u8,
    pub level_idc: u8,
    pub cabac: bool,
    pub frame_skip: bool,
    /// The most bytes of a slice; `None`: one slice per picture.
    pub slice: Option<u32>,
}

/// A coded picture.
pub(super) struct Made {
    /// One access unit in a byte stream.
    pub data: Vec<u8>,
    pub layer: u8,
}

/// "2.7.0", from the library itself.
pub(super) fn version() -> String {
    let mut version = sys::OpenH264Version::default();
    // SAFETY: `version` is a valid place, which is written.
    unsafe { Library::WelsGetCodecVersionEx(&mut version) };
    format!("{}.{}.{}", version.uMajor, version.uMinor, version.uRevision)
}

/// A running encoder.
pub(super) struct Encoder {
    state: NonNull<sys::ISVCEncoder>,
    size: (u32, u32),
}

// SAFETY: the state is owned by this value alone, and openh264 keeps nothing of it in thread-local storage.
unsafe impl Send for Encoder {}

impl Encoder {
    pub fn new(config: &Config) -> Result<Encoder> {
        let mut state = ptr::null_mut();
        // SAFETY: `state` is a valid place for the pointer.
        let made = unsafe { Library::WelsCreateSVCEncoder(&mut state) };
        let state = NonNull::new(state).filter(|_| made == 0).ok_or_else(|| refused("create an encoder", made))?;
        let mut encoder = Encoder { state, size: (config.width, config.height) };
        encoder.set(sys::ENCODER_OPTION_TRACE_LEVEL, &mut (sys::WELS_LOG_QUIET as c_int), "silence it")?;
        let mut parameters = sys::SEncParamExt::default();
        // SAFETY: the state is alive, and the parameters are a valid place, which is written.
        check("give defaults", encoder.methods().GetDefaultParams, |get| unsafe {
            get(state.as_ptr(), &mut parameters)
        })?;
        describe(config, &mut parameters);
        // SAFETY: the state is alive, and openh264 copies the parameters.
        check("take these settings", encoder.methods().InitializeExt, |initialize| unsafe {
            initialize(state.as_ptr(), &parameters)
        })?;
        encoder.set(sys::ENCODER_OPTION_DATAFORMAT, &mut { sys::videoFormatI420 as c_int }, "take 4:2:0")?;
        Ok(encoder)
    }

    /// In bit/s, for all layers together.
    pub fn set_bitrate(&mut self, bitrate: u32) -> Result<()> {
        let bitrate = c_int::try_from(bitrate).unwrap_or(c_int::MAX);
        let mut rate = sys::SBitrateInfo { iLayer: sys::SPATIAL_LAYER_ALL, iBitrate: bitrate };
        self.set(sys::ENCODER_OPTION_BITRATE, &mut rate, "take that bitrate")
    }

    /// The next picture is an IDR picture.
    pub fn force_key(&mut self) -> Result<()> {
        // SAFETY: the state is alive. The method's third argument, which its C declaration lacks, is not read with one
        // spatial layer.
        check("make a key picture", self.methods().ForceIntraFrame, |force| unsafe { force(self.state.as_ptr(), true) })
    }

    /// Codes one picture that was captured at `ms` of the call; `None`: the encoder dropped it.
    pub fn encode(&mut self, picture: &Picture, ms: i64) -> Result<Option<Made>> {
        if (picture.width, picture.height) != self.size {
            let ((is_w, is_h), (w, h)) = ((picture.width, picture.height), self.size);
            return Err(Error::Codec { codec: NAME, reason: format!("a picture of {is_w}x{is_h} for {w}x{h}") });
        }
        let planes = picture.planes().map(|plane| plane.as_ptr().cast_mut());
        let (width, height) = (self.size.0 as c_int, self.size.1 as c_int);
        let source = sys::SSourcePicture {
            iColorFormat: sys::videoFormatI420 as c_int,
            iStride: [width, width / 2, width / 2, 0],
            pData: [planes[0], planes[1], planes[2], ptr::null_mut()],
            iPicWidth: width,
            iPicHeight: height,
            uiTimeStamp: ms,
            ..sys::SSourcePicture::default()
        };
        let mut info = sys::SFrameBSInfo::default();
        // SAFETY: the state and the picture are alive; the planes hold as many bytes as size and strides say, and the
        // encoder only reads them, whatever the type says. `info` is written.
        check("code a picture", self.methods().EncodeFrame, |encode| unsafe {
            encode(self.state.as_ptr(), &source, &mut info)
        })?;
        if info.eFrameType == sys::videoFrameTypeSkip || info.iFrameSizeInBytes <= 0 {
            return Ok(None);
        }
        let mut made = Made { data: Vec::with_capacity(info.iFrameSizeInBytes as usize), layer: 0 };
        for layer in info.sLayerInfo.iter().take(info.iLayerNum.max(0) as usize) {
            // SAFETY: until the next call that codes, each layer has the lengths of its NAL units and a buffer with as many
            // bytes as they sum up to.
            let data = unsafe {
                let lengths = std::slice::from_raw_parts(layer.pNalLengthInByte, layer.iNalCount.max(0) as usize);
                let bytes: usize = lengths.iter().map(|length| (*length).max(0) as usize).sum();
                std::slice::from_raw_parts(layer.pBsBuf, bytes)
            };
            made.data.extend_from_slice(data);
            if layer.uiLayerType == sys::VIDEO_CODING_LAYER as c_uchar {
                made.layer = layer.uiTemporalId;
            }
        }
        Ok(Some(made))
    }

    fn set<T>(&mut self, option: sys::ENCODER_OPTION, value: &mut T, what: &str) -> Result<()> {
        // SAFETY: the state is alive, and every caller above gives the type that its option reads.
        check(what, self.methods().SetOption, |set| unsafe {
            set(self.state.as_ptr(), option, ptr::from_mut(value).cast::<c_void>())
        })
    }

    fn methods(&self) -> sys::ISVCEncoderVtbl {
        // SAFETY: the state is alive and begins with a pointer to its table of methods.
        unsafe { **self.state.as_ptr() }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `WelsCreateSVCEncoder`, and dropped once.
        unsafe { Library::WelsDestroySVCEncoder(self.state.as_ptr()) };
    }
}

/// libwebrtc's settings, save that a scene change makes no key picture: only a request does.
fn describe(config: &Config, to: &mut sys::SEncParamExt) {
    to.iUsageType = if config.screen { sys::SCREEN_CONTENT_REAL_TIME } else { sys::CAMERA_VIDEO_REAL_TIME };
    (to.iPicWidth, to.iPicHeight) = (config.width as c_int, config.height as c_int);
    to.iTargetBitrate = config.bitrate as c_int;
    to.iRCMode = sys::RC_BITRATE_MODE;
    to.fMaxFrameRate = config.rate;
    to.bEnableFrameSkip = config.frame_skip;
    to.bEnableSceneChangeDetect = false;
    to.uiIntraPeriod = 0;
    to.eSpsPpsIdStrategy = if config.screen { sys::CONSTANT_ID } else { sys::SPS_LISTING };
    to.iMultipleThreadIdc = 1;
    to.iComplexityMode = c_int::from(config.complexity) as sys::ECOMPLEXITY_MODE;
    to.iEntropyCodingModeFlag = c_int::from(config.cabac);
    to.iTemporalLayerNum = c_int::from(config.layers);
    // So many buffers of references as there are layers that are referred to.
    to.iNumRefFrame = c_int::from(config.layers.saturating_sub(1).max(1));
    let layer = &mut to.sSpatialLayers[0];
    (layer.iVideoWidth, layer.iVideoHeight) = (config.width as c_int, config.height as c_int);
    (layer.fFrameRate, layer.iSpatialBitrate) = (config.rate, config.bitrate as c_int);
    layer.uiProfileIdc = c_int::from(config.profile_idc) as sys::EProfileIdc;
    layer.uiLevelIdc = c_int::from(config.level_idc) as sys::ELevelIdc;
    layer.sSliceArgument.uiSliceNum = 1;
    layer.sSliceArgument.uiSliceMode = sys::SM_SINGLE_SLICE;
    if let Some(bytes) = config.slice {
        layer.sSliceArgument.uiSliceMode = sys::SM_SIZELIMITED_SLICE;
        layer.sSliceArgument.uiSliceSizeConstraint = bytes;
    }
}

/// A running decoder.
pub(super) struct Decoder {
    state: NonNull<sys::ISVCDecoder>,
}

// SAFETY: as for the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    pub fn new() -> Result<Decoder> {
        let mut state = ptr::null_mut();
        // SAFETY: `state` is a valid place for the pointer.
        let made = unsafe { Library::WelsCreateDecoder(&mut state) };
        let state =
            NonNull::new(state).filter(|_| made == 0).ok_or_else(|| refused("create a decoder", made as c_int))?;
        let decoder = Decoder { state };
        let mut quiet = sys::WELS_LOG_QUIET as c_int;
        // SAFETY: the state is alive, and this option reads one number.
        check("silence it", decoder.methods().SetOption, |set| unsafe {
            set(state.as_ptr(), sys::DECODER_OPTION_TRACE_LEVEL, (&raw mut quiet).cast::<c_void>()) as c_int
        })?;
        let mut parameters = sys::SDecodingParam {
            // A broken picture is an error, and nothing is made up in its place.
            eEcActiveIdc: sys::ERROR_CON_DISABLE,
            uiTargetDqLayer: u8::MAX,
            ..sys::SDecodingParam::default()
        };
        parameters.sVideoProperty.eVideoBsType = sys::VIDEO_BITSTREAM_AVC;
        // SAFETY: the state is alive, and openh264 copies the parameters.
        check("take these settings", decoder.methods().Initialize, |initialize| unsafe {
            initialize(state.as_ptr(), &parameters) as c_int
        })?;
        Ok(decoder)
    }

    /// Decodes one access unit.
    ///
    /// # Errors
    /// openh264 refuses it, or shows nothing for it.
    pub fn decode(&mut self, data: &[u8]) -> Result<Picture> {
        let length = c_int::try_from(data.len()).map_err(|_| refused("decode so much", 0))?;
        let mut planes = [ptr::null_mut(); 3];
        let mut info = sys::SBufferInfo::default();
        // SAFETY: the state is alive, `data` has as many bytes as said, and both other places are written.
        let decoded = check("decode it, state", self.methods().DecodeFrameNoDelay, |decode| unsafe {
            decode(self.state.as_ptr(), data.as_ptr(), length, planes.as_mut_ptr(), &mut info) as c_int
        });
        if info.iBufferStatus != 1 || decoded.is_err() {
            // Other profiles than Baseline wait for pictures out of order, which do not come; after a failure, what waits
            // is not of this access unit.
            // SAFETY: the state is alive, and both places are written.
            check("give the picture, state", self.methods().FlushFrame, |flush| unsafe {
                flush(self.state.as_ptr(), planes.as_mut_ptr(), &mut info) as c_int
            })?;
        }
        decoded?;
        if info.iBufferStatus != 1 || planes.iter().any(|plane| plane.is_null()) {
            return Err(Error::Codec { codec: NAME, reason: "the access unit shows no picture".into() });
        }
        // SAFETY: a picture is ready, and then this member of the union is the one that was written.
        let memory = unsafe { info.UsrData.sSystemBuffer };
        let (width, height) = (memory.iWidth.max(0) as usize, memory.iHeight.max(0) as usize);
        let mut bytes = Vec::with_capacity(width * height * 3 / 2);
        for (plane, (columns, rows, stride)) in [
            (width, height, memory.iStride[0]),
            (width / 2, height / 2, memory.iStride[1]),
            (width / 2, height / 2, memory.iStride[1]),
        ]
        .into_iter()
        .enumerate()
        {
            for row in 0..rows {
                // SAFETY: until the next call each plane has `rows` rows, `stride` apart, of at least `columns` bytes.
                bytes.extend_from_slice(unsafe {
                    std::slice::from_raw_parts(planes[plane].offset(row as isize * stride as isize), columns)
                });
            }
        }
        Picture::new(width as u32, height as u32, bytes)
            .map_err(|error| Error::Codec { codec: NAME, reason: error.to_string() })
    }

    fn methods(&self) -> sys::ISVCDecoderVtbl {
        // SAFETY: the state is alive and begins with a pointer to its table of methods.
        unsafe { **self.state.as_ptr() }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `WelsCreateDecoder`, and dropped once.
        unsafe { Library::WelsDestroyDecoder(self.state.as_ptr()) };
    }
}

/// Calls a method of the table; every result but 0 is a failure.
fn check<F>(what: &str, method: Option<F>, call: impl FnOnce(F) -> c_int) -> Result<()> {
    match method.map(call) {
        Some(0) => Ok(()),
        code => Err(refused(what, code.unwrap_or(-1))),
    }
}

fn refused(what: &str, code: c_int) -> Error {
    Error::Codec { codec: NAME, reason: format!("openh264 does not {what} ({code})") }
}
