//! Metrics of pictures.

pub mod ciede2000;
pub mod ms_ssim;
pub(super) mod pictures;
pub mod psnr;
pub mod ssim;
pub mod ssimulacra2;
pub mod vmaf;
