//! A step in a peer's chain of interceptors, without what `rtc` asks of every interceptor.

use rtc::interceptor::{Interceptor, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::time::Instant;

/// One step at a place in a peer's chain of interceptors. What it does not care for it lets pass.
pub(super) trait Stage: Send + Sync {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        queues.inbound.push_back(packet);
        Ok(())
    }
    fn outbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        queues.outbound.push_back(packet);
        Ok(())
    }
    fn timeout(&mut self, _now: Instant, _queues: &mut Queues) -> Handled {
        Ok(())
    }
    fn timer(&mut self) -> Option<Instant> {
        None
    }
    /// A stream comes from the other peer.
    fn remote(&mut self, _stream: &StreamInfo) {}
    fn remote_ends(&mut self, _stream: &StreamInfo) {}
    /// A stream goes to the other peer.
    fn local(&mut self, _stream: &StreamInfo) {}
    fn local_ends(&mut self, _stream: &StreamInfo) {}
}

/// Only a packet that no peer should see is an error.
pub(super) type Handled = Result<(), Error>;

/// Packets that go on: up to the application, down to the wire.
#[derive(Default)]
pub(super) struct Queues {
    pub inbound: VecDeque<TaggedPacket>,
    pub outbound: VecDeque<TaggedPacket>,
}

/// A [`Stage`] as an interceptor of `rtc`.
pub(super) struct Staged<S> {
    stage: S,
    queues: Queues,
}

impl<S: Stage> Staged<S> {
    pub fn new(stage: S) -> Staged<S> {
        Staged { stage, queues: Queues::default() }
    }
}

impl<S: Stage> Protocol<TaggedPacket, TaggedPacket, ()> for Staged<S> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.stage.inbound(packet, &mut self.queues)
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.queues.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.stage.outbound(packet, &mut self.queues)
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.queues.outbound.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.stage.timeout(now, &mut self.queues)
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.stage.timer()
    }
}

impl<S: Stage> Interceptor for Staged<S> {
    fn bind_local_stream(&mut self, stream: &StreamInfo) {
        self.stage.local(stream);
    }
    fn unbind_local_stream(&mut self, stream: &StreamInfo) {
        self.stage.local_ends(stream);
    }
    fn bind_remote_stream(&mut self, stream: &StreamInfo) {
        self.stage.remote(stream);
    }
    fn unbind_remote_stream(&mut self, stream: &StreamInfo) {
        self.stage.remote_ends(stream);
    }
}
