//! Which of the streams of a call an interceptor of `rtc` is told of.

use super::stage::{Handled, Queues, Stage};
use super::track::{Kind, ssrcs, track_of_media};
use rtc::interceptor::{Interceptor, StreamInfo, TaggedPacket};
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

impl<I: Interceptor> Streams<I> {
    /// Hands on what the interceptor lets go.
    fn drain(&mut self, queues: &mut Queues) {
        queues.inbound.extend(std::iter::from_fn(|| self.inner.poll_read()));
        queues.outbound.extend(std::iter::from_fn(|| self.inner.poll_write()));
    }
}

impl<I: Interceptor> Stage for Streams<I> {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        self.inner.handle_read(packet)?;
        self.drain(queues);
        Ok(())
    }

    fn outbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        self.inner.handle_write(packet)?;
        self.drain(queues);
        Ok(())
    }

    fn timeout(&mut self, now: Instant, queues: &mut Queues) -> Handled {
        self.inner.handle_timeout(now)?;
        self.drain(queues);
        Ok(())
    }

    fn timer(&mut self) -> Option<Instant> {
        self.inner.poll_timeout()
    }

    fn remote(&mut self, stream: &StreamInfo) {
        self.told(stream).iter().for_each(|s| self.inner.bind_remote_stream(s));
    }

    fn remote_ends(&mut self, stream: &StreamInfo) {
        self.told(stream).iter().for_each(|s| self.inner.unbind_remote_stream(s));
    }

    fn local(&mut self, stream: &StreamInfo) {
        self.told(stream).iter().for_each(|s| self.inner.bind_local_stream(s));
    }

    fn local_ends(&mut self, stream: &StreamInfo) {
        self.told(stream).iter().for_each(|s| self.inner.unbind_local_stream(s));
    }
}
