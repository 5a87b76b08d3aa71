//! What plans of audio and of video do not share: their lists, and where their clips come from.

use crate::codec::{self, Codec};
use crate::error::Result;
use crate::media::{Clip, Media, Pcm, Picture};
use crate::metric::{self, Metric};
use crate::playout::audio::Receiver;
use std::sync::Arc;
use std::time::Duration;

/// From a clip id, set name, file path or glob to clips of one kind of media.
pub type Clips<'a, M> = &'a dyn Fn(&str) -> Result<Vec<Arc<Clip<M>>>>;

/// Where clips are looked up.
#[derive(Clone, Copy)]
pub struct Library<'a> {
    pub audio: Clips<'a, Pcm>,
    pub video: Clips<'a, Picture>,
}

/// A kind of media that plans are made of.
pub trait Kind: Media {
    /// The call has settled by then.
    const WARM_UP: Duration;
    /// The receiver when none is named.
    fn receiver() -> Receiver;
    fn clips(library: &Library<'_>, name: &str) -> Result<Vec<Arc<Clip<Self>>>>;
    fn codec(name: &str) -> Result<&'static Codec<Self>>;
    fn metric(id: &str) -> Result<&'static Metric<Self>>;
    /// The metrics when none is named.
    fn usual() -> &'static [&'static Metric<Self>];
}

impl Kind for Pcm {
    /// libwebrtc's feedback, jitter buffer and bandwidth estimate.
    const WARM_UP: Duration = Duration::from_secs(30);

    fn receiver() -> Receiver {
        Receiver::default()
    }
    fn clips(library: &Library<'_>, name: &str) -> Result<Vec<Arc<Clip>>> {
        (library.audio)(name)
    }
    fn codec(name: &str) -> Result<&'static Codec<Pcm>> {
        codec::audio(name)
    }
    fn metric(id: &str) -> Result<&'static Metric<Pcm>> {
        metric::audio(id)
    }
    fn usual() -> &'static [&'static Metric<Pcm>] {
        metric::USUAL
    }
}

impl Kind for Picture {
    /// The round trip, the jitter estimate and rate control; a tenth of audio's cost in pictures.
    const WARM_UP: Duration = Duration::from_secs(5);

    fn receiver() -> Receiver {
        Receiver::ADAPTIVE
    }
    fn clips(library: &Library<'_>, name: &str) -> Result<Vec<Arc<Clip<Picture>>>> {
        (library.video)(name)
    }
    fn codec(name: &str) -> Result<&'static Codec<Picture>> {
        codec::video(name)
    }
    fn metric(id: &str) -> Result<&'static Metric<Picture>> {
        metric::video(id)
    }
    fn usual() -> &'static [&'static Metric<Picture>] {
        metric::USUAL_VIDEO
    }
}
