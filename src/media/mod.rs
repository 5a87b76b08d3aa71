//! What is coded, heard and seen: PCM audio and pictures, and clips of either.

mod clip;
pub mod ffmpeg;
mod file;
pub mod flac;
mod input;
mod kind;
pub mod motion;
mod pcm;
pub mod picture;
pub mod resample;
mod scale;
pub mod synth;
pub mod wav;
pub mod y4m;

pub use clip::{Clip, Content};
pub use file::{glob, is_pattern, load, load_video};
pub use input::Decoded;
pub use kind::Media;
pub use pcm::{Pcm, PcmFormat};
pub use picture::{Footage, FrameRate, Picture, PictureFormat};
