//! Audio codecs.

pub mod aac;
pub mod amr;
pub mod codec2;
pub mod external;
mod framed;
pub mod g711;
pub mod g722;
pub mod g726;
pub mod g729;
pub mod gsm;
pub mod ilbc;
pub mod l16;
pub mod lc3;
pub mod mp3;
pub mod opus;
pub mod plc;
mod settle;
pub mod speex;
mod storage;
pub mod vorbis;
