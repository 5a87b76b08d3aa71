//! Which of the streams of a call an interceptor of `rtc` is told of.

use super::track::{Kind, ssrcs, track_of_media};
use rtc::interceptor::{Interceptor, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::time::Instant;

/// An interceptor that sees all packets, but is told of some streams only, or of more.
pub(super) struct Streams<I> {
    inner: I,
    told: Told,
}

enum Told {
    Only(usize),
    WithRepair,
}

impl<I> Streams<I> {
    /// Of the media of that track alone. What `rtc` does with several streams at one instant it does in an order of chance.
    pub fn only(track: usize, inner: I) -> Streams<I> {
        Streams { inner, told: Told::Only(track) }
    }

    /// Of all media and, of video, of its repair streams. `rtc` does not name those at the sender, so that RTX packets would
    /// have no transport-wide number and congestion control would not count them.
    pub fn with_repair(inner: I) -> Streams<I> {
        Streams { inner, told: Told::WithRepair }
    }

    fn told(&self, stream: &StreamInfo) -> Vec<StreamInfo> {
        let track = track_of_media(stream.ssrc);
        match self.told {
            Told::Only(only) => Vec::from_iter((track == Some(only)).then(|| stream.clone())),
            Told::WithRepair => {
                let is_video = stream.mime_type.split('/').next() == Some(Kind::Video.word());
                let repair = track.filter(|_| is_video).map(|track| [ssrcs(track).fec, ssrcs(track).rtx]);
                let repair = repair.into_iter().flatten().map(|ssrc| StreamInfo { ssrc, ..stream.clone() });
                std::iter::once(stream.clone()).chain(repair).collect()
            }
        }
    }
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
        self.told(stream).iter().for_each(|s| self.inner.bind_local_stream(s));
    }

    fn unbind_local_stream(&mut self, stream: &StreamInfo) {
        self.told(stream).iter().for_each(|s| self.inner.unbind_local_stream(s));
    }

    fn bind_remote_stream(&mut self, stream: &StreamInfo) {
        self.told(stream).iter().for_each(|s| self.inner.bind_remote_stream(s));
    }

    fn unbind_remote_stream(&mut self, stream: &StreamInfo) {
        self.told(stream).iter().for_each(|s| self.inner.unbind_remote_stream(s));
    }
}
