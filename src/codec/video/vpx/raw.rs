//! libvpx by its C interface (libvpx-native-sys). The only unsafe code of VP8 and VP9.
//!
//! One thread everywhere, so that the same pictures give the same bytes.
#![expect(unsafe_code, reason = "libvpx is a C library")]

use super::kind::Kind;
use crate::error::{Error, Result};
use crate::media::Picture;
use std::ffi::{CStr, c_int, c_long, c_uint, c_ulong};
use std::mem::MaybeUninit;
use std::ptr;
use vpx_sys::vp8e_enc_control_id as control;
use vpx_sys::{self as sys, vpx_codec_err_t as code};

pub(super) const FORCE_KEY: u32 = sys::VPX_EFLAG_FORCE_KF;
/// Flags of VP8: do not refer to the last, the golden, the alternate picture.
pub(super) const NO_REFERENCE: [u32; 3] =
    [sys::VP8_EFLAG_NO_REF_LAST, sys::VP8_EFLAG_NO_REF_GF, sys::VP8_EFLAG_NO_REF_ARF];
/// Flags of VP8: do not replace the last, the golden, the alternate picture.
pub(super) const NO_UPDATE: [u32; 3] =
    [sys::VP8_EFLAG_NO_UPD_LAST, sys::VP8_EFLAG_NO_UPD_GF, sys::VP8_EFLAG_NO_UPD_ARF];
/// A flag of VP8: the probabilities of this picture end with it.
pub(super) const FREEZE_ENTROPY: u32 = sys::VP8_EFLAG_NO_UPD_ENTROPY;

/// Options that take one number. Others, which take a pointer, cannot be named here.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Set {
    /// The speed. For VP8 negative: a positive one lets the encoder look at the clock.
    CpuUsed = control::VP8E_SET_CPUUSED as u32,
    NoiseSensitivity = control::VP8E_SET_NOISE_SENSITIVITY as u32,
    StaticThreshold = control::VP8E_SET_STATIC_THRESHOLD as u32,
    /// VP8: binary logarithm of their number.
    TokenPartitions = control::VP8E_SET_TOKEN_PARTITIONS as u32,
    /// The largest key picture, in percent of the mean picture.
    MaxIntraPercent = control::VP8E_SET_MAX_INTRA_BITRATE_PCT as u32,
    /// VP8: 0 off, 2 on with pictures dropped on large overshoot.
    ScreenContent = control::VP8E_SET_SCREEN_CONTENT_MODE as u32,
    /// VP8: the layer of the next picture.
    TemporalLayer = control::VP8E_SET_TEMPORAL_LAYER_ID as u32,
    AqMode = control::VP9E_SET_AQ_MODE as u32,
    FrameParallel = control::VP9E_SET_FRAME_PARALLEL_DECODING as u32,
    NoiseSensitivityOfVp9 = control::VP9E_SET_NOISE_SENSITIVITY as u32,
    /// VP9: binary logarithm of their number.
    TileColumns = control::VP9E_SET_TILE_COLUMNS as u32,
    RowThreads = control::VP9E_SET_ROW_MT as u32,
    /// VP9: 1 is screen content.
    TuneContent = control::VP9E_SET_TUNE_CONTENT as u32,
    Svc = control::VP9E_SET_SVC as u32,
}

/// What an encoder is made with.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub kind: Kind,
    pub width: u32,
    pub height: u32,
    /// What each temporal layer and those below it may take together, in kbit/s: one to three, the last is the whole.
    pub kbps: Vec<u32>,
    pub error_resilient: bool,
    /// Quantisers on libvpx's scale of 0 to 63.
    pub min_q: u32,
    pub max_q: u32,
    pub undershoot_percent: u32,
    pub overshoot_percent: u32,
    /// Of the buffer, in percent; 0: drop no picture.
    pub drop_threshold: u32,
}

/// "v1.12.0", from the library itself.
pub(super) fn version() -> String {
    // SAFETY: libvpx returns a static string that ends with a zero byte.
    unsafe { CStr::from_ptr(sys::vpx_codec_version_str()) }.to_string_lossy().into_owned()
}

/// A running encoder.
pub(super) struct Encoder {
    kind: Kind,
    /// On the heap: libvpx is handed its address.
    context: Box<sys::vpx_codec_ctx>,
    config: sys::vpx_codec_enc_cfg,
}

// SAFETY: the context is owned by this value alone, and libvpx keeps nothing of it in thread-local storage. The pointers in
// `config` are null.
unsafe impl Send for Encoder {}

impl Encoder {
    pub fn new(config: &Config) -> Result<Encoder> {
        let kind = config.kind;
        // SAFETY: these return the address of a static description each.
        let interface = unsafe {
            match kind {
                Kind::Vp8 => sys::vpx_codec_vp8_cx(),
                Kind::Vp9 => sys::vpx_codec_vp9_cx(),
            }
        };
        let mut cfg = MaybeUninit::uninit();
        // SAFETY: libvpx writes the whole of the configuration unless it fails, in which case it is not read.
        let mut cfg = unsafe {
            check(kind, sys::vpx_codec_enc_config_default(interface, cfg.as_mut_ptr(), 0))?;
            cfg.assume_init()
        };
        describe(config, &mut cfg);
        let mut context = Box::<sys::vpx_codec_ctx>::default();
        // SAFETY: both places are valid, and libvpx copies what it keeps of `cfg`.
        check(kind, unsafe {
            sys::vpx_codec_enc_init_ver(&mut *context, interface, &cfg, 0, sys::VPX_ENCODER_ABI_VERSION as c_int)
        })?;
        Ok(Encoder { kind, context, config: cfg })
    }

    pub fn set(&mut self, option: Set, value: i32) -> Result<()> {
        // SAFETY: the context is alive, and every option of `Set` takes one number of this size.
        check(self.kind, unsafe { sys::vpx_codec_control_(&mut *self.context, option as c_int, value as c_int) })
    }

    /// Of VP9 with temporal layers: the quantisers of each, and no spatial scaling.
    pub fn set_layer_quantisers(&mut self, min_q: u32, max_q: u32) -> Result<()> {
        let mut parameters = sys::vpx_svc_parameters {
            max_quantizers: [max_q as c_int; 12],
            min_quantizers: [min_q as c_int; 12],
            scaling_factor_num: [1; 12],
            scaling_factor_den: [1; 12],
            speed_per_layer: [0; 12],
            temporal_layering_mode: 0,
            loopfilter_ctrl: [0; 12],
        };
        let option = control::VP9E_SET_SVC_PARAMETERS as c_int;
        // SAFETY: the context is alive, and this request reads such a structure at the pointer.
        check(self.kind, unsafe { sys::vpx_codec_control_(&mut *self.context, option, &raw mut parameters) })
    }

    /// Of VP9 with temporal layers: the layer of the next picture, the one slot that it refers to, and the slots that it
    /// replaces, as bits.
    pub fn set_references(&mut self, layer: u8, reads: u8, writes: u8) -> Result<()> {
        let mut id = sys::vpx_svc_layer_id {
            spatial_layer_id: 0,
            temporal_layer_id: c_int::from(layer),
            temporal_layer_id_per_spatial: [c_int::from(layer); 5],
        };
        let slot = c_int::from(reads);
        let mut references = sys::vpx_svc_ref_frame_config {
            lst_fb_idx: [slot; 5],
            gld_fb_idx: [slot; 5],
            alt_fb_idx: [slot; 5],
            update_buffer_slot: [c_int::from(writes); 5],
            update_last: [0; 5],
            update_golden: [0; 5],
            update_alt_ref: [0; 5],
            reference_last: [1; 5],
            reference_golden: [0; 5],
            reference_alt_ref: [0; 5],
            duration: [0; 5],
        };
        let (set_id, set_references) = (control::VP9E_SET_SVC_LAYER_ID, control::VP9E_SET_SVC_REF_FRAME_CONFIG);
        // SAFETY: the context is alive, and the first request reads such a structure at the pointer.
        check(self.kind, unsafe { sys::vpx_codec_control_(&mut *self.context, set_id as c_int, &raw mut id) })?;
        // SAFETY: as above, for the second.
        check(self.kind, unsafe {
            sys::vpx_codec_control_(&mut *self.context, set_references as c_int, &raw mut references)
        })
    }

    /// New bitrates, as [`Config::kbps`]; as many layers as before.
    pub fn set_bitrate(&mut self, kbps: &[u32]) -> Result<()> {
        set_rates(&mut self.config, kbps);
        // SAFETY: the context is alive, and libvpx copies what it keeps of the configuration.
        check(self.kind, unsafe { sys::vpx_codec_enc_config_set(&mut *self.context, &self.config) })
    }

    /// Codes one picture that begins at `pts` and lasts `duration`, both in ticks of 90 kHz; `None`: the encoder dropped
    /// it.
    pub fn encode(&mut self, picture: &Picture, pts: u64, duration: u64, flags: u32) -> Result<Option<Vec<u8>>> {
        let size = (picture.width, picture.height);
        if size != (self.config.g_w, self.config.g_h) {
            let reason = format!("a picture of {}x{} for {}x{}", size.0, size.1, self.config.g_w, self.config.g_h);
            return Err(Error::Codec { codec: self.kind.name(), reason });
        }
        let mut image = sys::vpx_image_t::default();
        // SAFETY: `image` is a valid place. With an alignment of 1 and an even size the planes lie as those of `Picture`,
        // which holds exactly as many bytes; the encoder only reads them, whatever the type says.
        let wrapped = unsafe {
            let data = picture.data.as_ptr().cast_mut();
            sys::vpx_img_wrap(&mut image, sys::vpx_img_fmt::VPX_IMG_FMT_I420, size.0, size.1, 1, data)
        };
        if wrapped.is_null() {
            return Err(Error::Codec { codec: self.kind.name(), reason: "the picture cannot be wrapped".into() });
        }
        // SAFETY: the context and the picture are alive.
        check(self.kind, unsafe {
            sys::vpx_codec_encode(
                &mut *self.context,
                &image,
                pts as i64,
                duration as c_ulong,
                flags.into(),
                c_ulong::from(sys::VPX_DL_REALTIME),
            )
        })?;
        let mut coded: Option<Vec<u8>> = None;
        let mut place = ptr::null();
        loop {
            // SAFETY: the context is alive; a packet that is not null is valid until the next call that codes. Only for a
            // packet that holds a picture is that member of the union read, and its buffer has as many bytes as it says.
            unsafe {
                let packet = sys::vpx_codec_get_cx_data(&mut *self.context, &mut place);
                let Some(packet) = packet.as_ref() else { break };
                if packet.kind == sys::vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT && packet.data.frame.sz > 0 {
                    let frame = packet.data.frame;
                    let bytes = std::slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz as usize);
                    coded.get_or_insert_default().extend_from_slice(bytes);
                }
            }
        }
        Ok(coded)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and destroyed once.
        unsafe { sys::vpx_codec_destroy(&mut *self.context) };
    }
}

/// libwebrtc's real-time settings: constant bitrate, no look-ahead, buffers of 500, 600 and 1000 ms, no resizing, key
/// pictures only when asked for.
fn describe(config: &Config, cfg: &mut sys::vpx_codec_enc_cfg) {
    (cfg.g_w, cfg.g_h, cfg.g_threads, cfg.g_lag_in_frames) = (config.width, config.height, 1, 0);
    cfg.g_timebase = sys::vpx_rational { num: 1, den: 90_000 };
    cfg.g_error_resilient = u32::from(config.error_resilient) * sys::VPX_ERROR_RESILIENT_DEFAULT;
    cfg.g_pass = sys::vpx_enc_pass::VPX_RC_ONE_PASS;
    cfg.rc_end_usage = sys::vpx_rc_mode::VPX_CBR;
    cfg.rc_resize_allowed = 0;
    cfg.rc_dropframe_thresh = config.drop_threshold;
    (cfg.rc_min_quantizer, cfg.rc_max_quantizer) = (config.min_q, config.max_q);
    (cfg.rc_undershoot_pct, cfg.rc_overshoot_pct) = (config.undershoot_percent, config.overshoot_percent);
    (cfg.rc_buf_initial_sz, cfg.rc_buf_optimal_sz, cfg.rc_buf_sz) = (500, 600, 1000);
    // Of both codecs "fixed" is "disabled". VP9 still makes one each `kf_max_dist`, so that must be out of reach.
    cfg.kf_mode = sys::vpx_kf_mode::VPX_KF_FIXED;
    (cfg.kf_min_dist, cfg.kf_max_dist) = (NEVER, NEVER);
    let layers = config.kbps.len();
    let ids: &[c_uint] = [&[0][..], &[0, 1], &[0, 2, 1, 2]][layers.clamp(1, 3) - 1];
    (cfg.ss_number_layers, cfg.ts_number_layers, cfg.ts_periodicity) = (1, layers as c_uint, ids.len() as c_uint);
    cfg.ts_layer_id[..ids.len()].copy_from_slice(ids);
    for layer in 0..layers {
        cfg.ts_rate_decimator[layer] = 1 << (layers - 1 - layer);
    }
    if layers > 1 && config.kind == Kind::Vp9 {
        cfg.temporal_layering_mode = sys::vp9e_temporal_layering_mode::VP9E_TEMPORAL_LAYERING_MODE_BYPASS as c_int;
    }
    set_rates(cfg, &config.kbps);
}

/// In pictures: nine hours at 30 per second.
const NEVER: c_uint = 1_000_000;

fn set_rates(cfg: &mut sys::vpx_codec_enc_cfg, kbps: &[u32]) {
    cfg.rc_target_bitrate = kbps.last().copied().unwrap_or_default();
    cfg.ss_target_bitrate[0] = cfg.rc_target_bitrate;
    for (layer, rate) in kbps.iter().take(3).enumerate() {
        // VP8 reads the first, VP9 the second.
        cfg.ts_target_bitrate[layer] = *rate;
        cfg.layer_target_bitrate[layer] = *rate;
    }
}

/// A running decoder.
pub(super) struct Decoder {
    kind: Kind,
    context: Box<sys::vpx_codec_ctx>,
}

// SAFETY: as for the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    pub fn new(kind: Kind) -> Result<Decoder> {
        // SAFETY: these return the address of a static description each.
        let interface = unsafe {
            match kind {
                Kind::Vp8 => sys::vpx_codec_vp8_dx(),
                Kind::Vp9 => sys::vpx_codec_vp9_dx(),
            }
        };
        let cfg = sys::vpx_codec_dec_cfg { threads: 1, w: 0, h: 0 };
        let mut context = Box::<sys::vpx_codec_ctx>::default();
        // SAFETY: both places are valid, and libvpx copies what it keeps of `cfg`.
        check(kind, unsafe {
            sys::vpx_codec_dec_init_ver(&mut *context, interface, &cfg, 0, sys::VPX_DECODER_ABI_VERSION as c_int)
        })?;
        Ok(Decoder { kind, context })
    }

    /// Decodes one coded picture. `data` must not be empty: to libvpx that means a lost picture, which it would hide.
    ///
    /// # Errors
    /// libvpx refuses it, says that it is corrupted, or shows nothing for it.
    pub fn decode(&mut self, data: &[u8]) -> Result<Picture> {
        let refuse = |reason: &str| Error::Codec { codec: self.kind.name(), reason: reason.into() };
        let length = c_uint::try_from(data.len()).ok().filter(|n| *n > 0).ok_or_else(|| refuse("no coded picture"))?;
        // SAFETY: the context is alive, and `data` has as many bytes as said.
        let decoded =
            unsafe { sys::vpx_codec_decode(&mut *self.context, data.as_ptr(), length, ptr::null_mut(), 0 as c_long) };
        check(self.kind, decoded)?;
        let mut place = ptr::null();
        // SAFETY: the context is alive; an image that is not null is valid until the next call that decodes.
        let image = unsafe { sys::vpx_codec_get_frame(&mut *self.context, &mut place).as_ref() };
        let image = image.ok_or_else(|| refuse("the coded picture shows nothing"))?;
        // Asked after the picture was fetched: VP9 answers for the one that was shown last.
        let mut corrupted: c_int = 0;
        let option = sys::vp8_dec_control_id::VP8D_GET_FRAME_CORRUPTED as c_int;
        // SAFETY: the context is alive, and this request writes one number to the pointer.
        check(self.kind, unsafe { sys::vpx_codec_control_(&mut *self.context, option, &raw mut corrupted) })?;
        if corrupted != 0 {
            return Err(refuse("the picture is corrupted"));
        }
        if image.fmt != sys::vpx_img_fmt::VPX_IMG_FMT_I420 {
            return Err(refuse("the picture is not 8-bit 4:2:0"));
        }
        let (width, height) = (image.d_w as usize, image.d_h as usize);
        let mut planes = Vec::with_capacity(width * height * 3 / 2);
        for (plane, (columns, rows)) in
            [(width, height), (width / 2, height / 2), (width / 2, height / 2)].into_iter().enumerate()
        {
            for row in 0..rows {
                // SAFETY: each plane has `rows` rows, `stride` apart, of at least `columns` bytes.
                planes.extend_from_slice(unsafe {
                    let start = image.planes[plane].offset(row as isize * image.stride[plane] as isize);
                    std::slice::from_raw_parts(start, columns)
                });
            }
        }
        Picture::new(image.d_w, image.d_h, planes).map_err(|error| refuse(&error.to_string()))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and destroyed once.
        unsafe { sys::vpx_codec_destroy(&mut *self.context) };
    }
}

fn check(kind: Kind, result: sys::vpx_codec_err_t) -> Result<()> {
    if result == code::VPX_CODEC_OK {
        return Ok(());
    }
    // SAFETY: libvpx returns a static string for every number, one that ends with a zero byte.
    let reason = unsafe { CStr::from_ptr(sys::vpx_codec_err_to_string(result)) }.to_string_lossy().into_owned();
    Err(Error::Codec { codec: kind.name(), reason })
}
