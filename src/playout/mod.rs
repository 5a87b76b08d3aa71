//! The receiver between network and loudspeaker.

pub mod audio;
