//! Which of the streams of a call an interceptor of `rtc` is told of.

use rtc::interceptor::{Interceptor, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::time::Instant;

use super::track::{Kind, ssrcs, track_of_media};

/// An interceptor that sees all packets, but of each stream knows only what `told` makes of it.
pub(super) struct Streams<I> {
    inner: I,
    told: fn(&StreamInfo) -> Vec<StreamInfo>,
}

impl<I> Streams<I> {
    pub fn new(inner: I, told: fn(&StreamInfo) -> Vec<StreamInfo>) -> Streams<I> {
        Streams { inner, told }
    }
}

fn is_of(kind: Kind, stream: &StreamInfo) -> bool {
    stream.mime_type.split('/').next() == Some(kind.word())
}

pub(super) fn audio(stream: &StreamInfo) -> Vec<StreamInfo> {
    Vec::from_iter(is_of(Kind::Audio, stream).then(|| stream.clone()))
}

pub(super) fn video(stream: &StreamInfo) -> Vec<StreamInfo> {
    Vec::from_iter(is_of(Kind::Video, stream).then(|| stream.clone()))
}

/// A stream and, of video, its repair streams. `rtc` does not name those at the sender, so that RTX packets would have no
/// transport-wide number and congestion control would not count them.
pub(super) fn with_repair(stream: &StreamInfo) -> Vec<StreamInfo> {
    let mut all = vec![stream.clone()];
    if let Some(track) = track_of_media(stream.ssrc).filter(|_| is_of(Kind::Video, stream)) {
        let ours = ssrcs(track);
        all.extend([ours.fec, ours.rtx].map(|ssrc| StreamInfo { ssrc, ..stream.clone() }));
    }
    all
}

impl<I: Interceptor> Protocol<TaggedPacket, TaggedPacket, ()> for Streams<I> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.inner.handle_read(packet)
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inner.poll_read()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.inner.handle_write(packet)
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.inner.poll_write()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.inner.handle_timeout(now)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.inner.poll_timeout()
    }
}

impl<I: Interceptor> Interceptor for Streams<I> {
    fn bind_local_stream(&mut self, stream: &StreamInfo) {
        (self.told)(stream).iter().for_each(|s| self.inner.bind_local_stream(s));
    }

    fn unbind_local_stream(&mut self, stream: &StreamInfo) {
        (self.told)(stream).iter().for_each(|s| self.inner.unbind_local_stream(s));
    }

    fn bind_remote_stream(&mut self, stream: &StreamInfo) {
        (self.told)(stream).iter().for_each(|s| self.inner.bind_remote_stream(s));
    }

    fn unbind_remote_stream(&mut self, stream: &StreamInfo) {
        (self.told)(stream).iter().for_each(|s| self.inner.unbind_remote_stream(s));
    }
}
