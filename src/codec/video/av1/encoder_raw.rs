//! libaom's encoder by its C interface (libaom-sys). Unsafe code of AV1, with [`super::decoder_raw`].
//!
//! One thread, so that the same pictures give the same bytes.
#![expect(unsafe_code, reason = "libaom is a C library")]

use super::obu::NAME;
use crate::codec::video::layers::Step;
use crate::error::{Error, Result};
use crate::media::Picture;
use libaom_sys as sys;
use std::ffi::{CStr, c_int, c_long, c_uint, c_ulong};
use std::mem::MaybeUninit;
use std::ptr;

/// What an encoder is made with.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub width: u32,
    pub height: u32,
    /// What each temporal layer and those below it may take together, in kbit/s: one to three, the last is the whole.
    pub kbps: Vec<u32>,
    pub speed: i32,
    /// Quantisers on libaom's scale of 0 to 63.
    pub min_q: u32,
    pub max_q: u32,
    /// Of the buffer, in percent; 0: drop no picture.
    pub drop_threshold: u32,
    pub screen: bool,
}

/// A coded picture.
pub(super) struct Made {
    /// One temporal unit in the low-overhead format, as libaom gives it.
    pub data: Vec<u8>,
    /// `base_q_idx`, 0 to 255.
    pub quantiser: u8,
}

/// "3.11.0", from the library itself.
pub(super) fn version() -> String {
    // SAFETY: libaom returns a static string that ends with a zero byte.
    unsafe { CStr::from_ptr(sys::aom_codec_version_str()) }.to_string_lossy().into_owned()
}

/// A running encoder.
pub(super) struct Encoder {
    /// On the heap: libaom is handed its address.
    context: Box<sys::aom_codec_ctx_t>,
    cfg: Box<sys::aom_codec_enc_cfg_t>,
    config: Config,
}

// SAFETY: the context is owned by this value alone, and libaom keeps nothing of it in thread-local storage. The pointers in
// the configuration are null.
unsafe impl Send for Encoder {}

impl Encoder {
    pub fn new(config: &Config) -> Result<Encoder> {
        // SAFETY: this returns the address of a static description.
        let interface = unsafe { sys::aom_codec_av1_cx() };
        let mut cfg = MaybeUninit::uninit();
        // SAFETY: libaom writes the whole of the configuration unless it fails, in which case it is not read.
        let mut cfg = unsafe {
            check(sys::aom_codec_enc_config_default(interface, cfg.as_mut_ptr(), sys::AOM_USAGE_REALTIME))?;
            Box::new(cfg.assume_init())
        };
        describe(config, &mut cfg);
        // SAFETY: a context of zeros is one that was not initialised: numbers and null pointers only.
        let mut context: Box<sys::aom_codec_ctx_t> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        // SAFETY: both places are valid and stay where they are.
        check(unsafe {
            sys::aom_codec_enc_init_ver(&mut *context, interface, &*cfg, 0, sys::AOM_ENCODER_ABI_VERSION as c_int)
        })?;
        let mut encoder = Encoder { context, cfg, config: config.clone() };
        if config.kbps.len() > 1 {
            encoder.set_layers()?;
        }
        for (option, value) in controls(config) {
            encoder.set(option, value)?;
        }
        Ok(encoder)
    }

    /// New bitrates, as [`Config::kbps`]; as many layers as before.
    pub fn set_bitrate(&mut self, kbps: &[u32]) -> Result<()> {
        self.config.kbps = kbps.to_vec();
        self.cfg.rc_target_bitrate = kbps.last().copied().unwrap_or_default();
        // SAFETY: the context is alive, and libaom copies what it keeps of the configuration.
        check(unsafe { sys::aom_codec_enc_config_set(&mut *self.context, &*self.cfg) })?;
        if kbps.len() > 1 { self.set_layers() } else { Ok(()) }
    }

    /// Codes one picture that begins at `pts` and lasts `duration`, both in ticks of 90 kHz; `None`: the encoder dropped
    /// it. `step` is for streams with layers.
    pub fn encode(
        &mut self,
        picture: &Picture,
        (pts, duration): (u64, u64),
        key: bool,
        step: Option<Step>,
    ) -> Result<Option<Made>> {
        let (size, set) = ((picture.width, picture.height), (self.config.width, self.config.height));
        if size != set {
            return Err(refused(&format!("a picture of {}x{} for {}x{}", size.0, size.1, set.0, set.1)));
        }
        if let Some(step) = step {
            self.announce(step)?;
        }
        // SAFETY: an image of zeros is an empty one: numbers and null pointers only.
        let mut image: sys::aom_image_t = unsafe { MaybeUninit::zeroed().assume_init() };
        // SAFETY: `image` is a valid place. With an alignment of 1 and an even size the planes lie as those of `Picture`,
        // which holds exactly as many bytes; the encoder only reads them, whatever the type says.
        let wrapped = unsafe {
            let data = picture.data.as_ptr().cast_mut();
            sys::aom_img_wrap(&mut image, sys::AOM_IMG_FMT_I420, size.0, size.1, 1, data)
        };
        if wrapped.is_null() {
            return Err(refused("the picture cannot be wrapped"));
        }
        let flags = if key { c_long::from(sys::AOM_EFLAG_FORCE_KF as c_int) } else { 0 };
        // SAFETY: the context and the picture are alive.
        check(unsafe { sys::aom_codec_encode(&mut *self.context, &image, pts as i64, duration as c_ulong, flags) })?;
        let mut coded: Option<Vec<u8>> = None;
        let mut place = ptr::null();
        loop {
            // SAFETY: the context is alive; a packet that is not null is valid until the next call. Only for a packet that
            // holds a picture is that member of the union read, and its buffer has as many bytes as it says.
            unsafe {
                let Some(packet) = sys::aom_codec_get_cx_data(&mut *self.context, &mut place).as_ref() else { break };
                if packet.kind == sys::AOM_CODEC_CX_FRAME_PKT && packet.data.frame.sz > 0 {
                    let frame = packet.data.frame;
                    let bytes = std::slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz);
                    coded.get_or_insert_default().extend_from_slice(bytes);
                }
            }
        }
        let Some(data) = coded else { return Ok(None) };
        let mut quantiser: c_int = 0;
        // SAFETY: the context is alive, and this request writes one number to the pointer.
        check(unsafe {
            sys::aom_codec_control(&mut *self.context, sys::AOME_GET_LAST_QUANTIZER as c_int, &raw mut quantiser)
        })?;
        Ok(Some(Made { data, quantiser: quantiser.clamp(0, 255) as u8 }))
    }

    fn set(&mut self, option: sys::aome_enc_control_id, value: c_int) -> Result<()> {
        // SAFETY: the context is alive, and every option of `controls` takes one number of this size.
        check(unsafe { sys::aom_codec_control(&mut *self.context, option as c_int, value) })
    }

    /// The layers' bitrates and quantisers; each layer doubles the rate.
    fn set_layers(&mut self) -> Result<()> {
        let layers = self.config.kbps.len().min(3);
        let mut parameters = sys::aom_svc_params_t {
            number_spatial_layers: 1,
            number_temporal_layers: layers as c_int,
            max_quantizers: [self.config.max_q as c_int; 32],
            min_quantizers: [self.config.min_q as c_int; 32],
            scaling_factor_num: [1; 4],
            scaling_factor_den: [1; 4],
            layer_target_bitrate: [0; 32],
            framerate_factor: [0; 8],
        };
        for (layer, kbps) in self.config.kbps.iter().take(layers).enumerate() {
            parameters.layer_target_bitrate[layer] = *kbps as c_int;
            parameters.framerate_factor[layer] = 1 << (layers - 1 - layer);
        }
        // SAFETY: the context is alive, and this request reads such a structure at the pointer.
        check(unsafe {
            sys::aom_codec_control(&mut *self.context, sys::AV1E_SET_SVC_PARAMS as c_int, &raw mut parameters)
        })
    }

    fn announce(&mut self, step: Step) -> Result<()> {
        let mut id = sys::aom_svc_layer_id_t { spatial_layer_id: 0, temporal_layer_id: c_int::from(step.layer) };
        let mut references = sys::aom_svc_ref_frame_config_t {
            reference: [0; 7],
            // Each picture refers to one buffer.
            ref_idx: [c_int::from(step.reads >> 1); 7],
            refresh: [0; 8],
        };
        references.reference[0] = 1;
        for (buffer, refresh) in references.refresh.iter_mut().enumerate() {
            *refresh = c_int::from(step.writes >> buffer & 1);
        }
        let context = &mut *self.context;
        // SAFETY: the context is alive, and the first request reads such a structure at the pointer.
        check(unsafe { sys::aom_codec_control(context, sys::AV1E_SET_SVC_LAYER_ID as c_int, &raw mut id) })?;
        // SAFETY: as above, for the second.
        check(unsafe {
            sys::aom_codec_control(context, sys::AV1E_SET_SVC_REF_FRAME_CONFIG as c_int, &raw mut references)
        })
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and destroyed once.
        unsafe { sys::aom_codec_destroy(&mut *self.context) };
    }
}

/// libwebrtc's real-time settings: constant bitrate, no look-ahead, buffers of 600, 600 and 1000 ms, key pictures only when
/// asked for.
fn describe(config: &Config, cfg: &mut sys::aom_codec_enc_cfg_t) {
    (cfg.g_w, cfg.g_h, cfg.g_threads, cfg.g_lag_in_frames) = (config.width, config.height, 1, 0);
    cfg.g_timebase = sys::aom_rational { num: 1, den: 90_000 };
    (cfg.g_input_bit_depth, cfg.g_error_resilient) = (8, 0);
    (cfg.g_pass, cfg.rc_end_usage, cfg.kf_mode) = (sys::AOM_RC_ONE_PASS, sys::AOM_CBR, sys::AOM_KF_DISABLED);
    cfg.rc_dropframe_thresh = config.drop_threshold;
    (cfg.rc_min_quantizer, cfg.rc_max_quantizer) = (config.min_q, config.max_q);
    (cfg.rc_undershoot_pct, cfg.rc_overshoot_pct) = (50, 50);
    (cfg.rc_buf_initial_sz, cfg.rc_buf_optimal_sz, cfg.rc_buf_sz) = (600, 600, 1000);
    cfg.rc_target_bitrate = config.kbps.last().copied().unwrap_or_default() as c_uint;
}

/// What libwebrtc switches on and off; each takes one number.
fn controls(config: &Config) -> impl Iterator<Item = (sys::aome_enc_control_id, c_int)> {
    let screen = c_int::from(config.screen);
    // Of those that are off, most are tools too slow for calls.
    let off = [
        sys::AV1E_SET_ENABLE_TPL_MODEL,
        sys::AV1E_SET_DELTAQ_MODE,
        sys::AV1E_SET_ENABLE_ORDER_HINT,
        sys::AV1E_SET_ROW_MT,
        sys::AV1E_SET_TILE_COLUMNS,
        sys::AV1E_SET_TILE_ROWS,
        sys::AV1E_SET_ENABLE_OBMC,
        sys::AV1E_SET_NOISE_SENSITIVITY,
        sys::AV1E_SET_ENABLE_WARPED_MOTION,
        sys::AV1E_SET_ENABLE_GLOBAL_MOTION,
        sys::AV1E_SET_ENABLE_REF_FRAME_MVS,
        sys::AV1E_SET_ENABLE_CFL_INTRA,
        sys::AV1E_SET_ENABLE_SMOOTH_INTRA,
        sys::AV1E_SET_ENABLE_ANGLE_DELTA,
        sys::AV1E_SET_ENABLE_FILTER_INTRA,
        sys::AV1E_SET_ENABLE_DIST_WTD_COMP,
        sys::AV1E_SET_ENABLE_DIFF_WTD_COMP,
        sys::AV1E_SET_ENABLE_DUAL_FILTER,
        sys::AV1E_SET_ENABLE_INTERINTRA_COMP,
        sys::AV1E_SET_ENABLE_INTERINTRA_WEDGE,
        sys::AV1E_SET_ENABLE_INTRA_EDGE_FILTER,
        sys::AV1E_SET_ENABLE_INTRABC,
        sys::AV1E_SET_ENABLE_MASKED_COMP,
        sys::AV1E_SET_ENABLE_PAETH_INTRA,
        sys::AV1E_SET_ENABLE_QM,
        sys::AV1E_SET_ENABLE_RECT_PARTITIONS,
        sys::AV1E_SET_ENABLE_RESTORATION,
        sys::AV1E_SET_ENABLE_SMOOTH_INTERINTRA,
        sys::AV1E_SET_ENABLE_TX64,
    ];
    let others = [
        (sys::AOME_SET_CPUUSED, config.speed),
        (sys::AV1E_SET_ENABLE_CDEF, 1),
        // Cyclic refresh.
        (sys::AV1E_SET_AQ_MODE, 3),
        (sys::AOME_SET_MAX_INTRA_BITRATE_PCT, 300),
        (sys::AV1E_SET_COEFF_COST_UPD_FREQ, 3),
        (sys::AV1E_SET_MODE_COST_UPD_FREQ, 3),
        (sys::AV1E_SET_MV_COST_UPD_FREQ, 3),
        (sys::AV1E_SET_TUNE_CONTENT, screen),
        (sys::AV1E_SET_ENABLE_PALETTE, screen),
        (sys::AV1E_SET_INTRA_DEFAULT_TX_ONLY, 1),
        (sys::AV1E_SET_DISABLE_TRELLIS_QUANT, 1),
        (sys::AV1E_SET_MAX_REFERENCE_FRAMES, 3),
        (sys::AV1E_SET_MAX_CONSEC_FRAME_DROP_MS_CBR, 250),
        (sys::AV1E_SET_POSTENCODE_DROP_RTC, 1),
    ];
    off.into_iter().map(|option| (option, 0)).chain(others)
}

fn check(result: sys::aom_codec_err_t) -> Result<()> {
    if result == sys::AOM_CODEC_OK {
        return Ok(());
    }
    // SAFETY: libaom returns a static string for every number, one that ends with a zero byte.
    Err(refused(&unsafe { CStr::from_ptr(sys::aom_codec_err_to_string(result)) }.to_string_lossy()))
}

fn refused(reason: &str) -> Error {
    Error::Codec { codec: NAME, reason: reason.into() }
}
