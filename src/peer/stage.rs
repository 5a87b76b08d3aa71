//! A step in a peer's chain of interceptors, without what `rtc` asks of every interceptor.

use rtc::interceptor::{Interceptor, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::VecDeque;
use std::time::Instant;

/// One step at a place in a peer's chain of interceptors. What it does not care for it lets pass.
pub(super) trait Aid: Send + Sync {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) {
        queues.inbound.push_back(packet);
    }
    fn outbound(&mut self, packet: TaggedPacket, queues: &mut Queues) {
        queues.outbound.push_back(packet);
    }
    fn timeout(&mut self, _now: Instant, _queues: &mut Queues) {}
    fn timer(&self) -> Option<Instant> {
        None
    }
    /// A stream comes from the other peer.
    fn remote(&mut self, _stream: &StreamInfo) {}
    /// A stream goes to the other peer.
    fn local(&mut self, _stream: &StreamInfo) {}
}

/// Packets that go on: up to the application, down to the wire.
#[derive(Default)]
pub(super) struct Queues {
    pub inbound: VecDeque<TaggedPacket>,
    pub outbound: VecDeque<TaggedPacket>,
}

/// An [`Aid`] as an interceptor of `rtc`.
pub(super) struct Aided<A> {
    aid: A,
    queues: Queues,
}

impl<A: Aid> Aided<A> {
    pub fn new(aid: A) -> Aided<A> {
        Aided { aid, queues: Queues::default() }
    }
}

impl<A: Aid> Protocol<TaggedPacket, TaggedPacket, ()> for Aided<A> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.aid.inbound(packet, &mut self.queues);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.queues.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.aid.outbound(packet, &mut self.queues);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.queues.outbound.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.aid.timeout(now, &mut self.queues);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.aid.timer()
    }
}

impl<A: Aid> Interceptor for Aided<A> {
    fn bind_local_stream(&mut self, stream: &StreamInfo) {
        self.aid.local(stream);
    }
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, stream: &StreamInfo) {
        self.aid.remote(stream);
    }
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
