//! One link as Linux' `tc ... netem` has it: a seeded state machine in virtual time.
//!
//! A packet goes through it in the order of `netem_enqueue()` (`net/sched/sch_netem.c` of Linux 6): drawn for are its
//! duplication, its loss, its corruption; then a full link drops it; then its copy comes in anew, which may be lost but not
//! duplicated again; then come reordering, delay, rate and slots. A packet to be duplicated and lost goes on alone.
//!
//! Media and RTCP draw from separate chance, so that a report more or less never changes what media meets; what they share
//! is the link itself: its rate, slots and limit.

pub mod delay;
pub mod loss;
mod random;
mod rate;
mod reorder;
mod slots;
pub mod tables;

use super::spec::{Chance, LinkSpec, Slot};
use super::trace::{Kind, Replay, Trace};
use super::{Delivery, Direction, Impairment, PacketInfo, Purpose};
use crate::units::{Seed, Time};
use delay::Delays;
use loss::LossProcess;
use random::{Draw, Happens, Prng};
use rate::{Held, packet_time};
use reorder::Reorder;
use slots::{Slots, Waiting};
use std::sync::Arc;

pub use random::SLOT;

/// The impairments of one direction.
pub struct Netem {
    link: LinkSpec,
    /// The schedule, last phase first.
    later: Vec<(i64, LinkSpec)>,
    by_packet: bool,
    streams: Streams,
    /// All but those that wait for a slot alone.
    held: Held,
    /// When the packet before is through: the latest of all times of sending, in ns.
    last: i64,
    slots: Option<Slots>,
    /// Of slots.
    seed: Seed,
    direction: Direction,
    /// How many were admitted.
    packets: u64,
    /// A trace of delivery times: the link of media and RTCP.
    deliveries: Option<Replay>,
    /// When the latest packet reached that link.
    reached: i64,
}

impl Netem {
    /// `link` from the call's first instant on.
    pub fn new(mut link: LinkSpec, chance: Chance, seed: Seed, direction: Direction) -> Netem {
        let seed = link.seed.map_or(seed, Seed);
        let mut later: Vec<_> = link.later.drain(..).map(|(at, link)| (at.as_nanos() as i64, link)).collect();
        later.reverse();
        let stream = |name| Stream::new(Prng::new(chance, seed, name, direction), &link);
        Netem {
            later,
            by_packet: chance == Chance::Packet,
            streams: Streams { media: stream("media"), repair: stream("repair"), rtcp: stream("rtcp") },
            held: Held::default(),
            last: 0,
            slots: link.slot.as_ref().map(|slot| Slots::new(slot, 0, seed, direction)),
            seed,
            direction,
            packets: 0,
            deliveries: replay(&link, true),
            reached: 0,
            link,
        }
    }

    /// Enters the phase of the schedule that holds at `now`. What did not change goes on as it was.
    fn follow_schedule(&mut self, now: i64, out: &mut Vec<Delivery>) {
        while let Some((at, link)) = self.later.pop_if(|(at, _)| *at <= now) {
            let Streams { media, repair, rtcp } = &mut self.streams;
            [media, repair, rtcp].into_iter().for_each(|stream| stream.change(&self.link, &link));
            if let Some(slots) = &mut self.slots {
                slots.advance(at, out);
            }
            if link.slot != self.link.slot {
                self.change_slots(link.slot.as_ref(), at, out);
            }
            if link.trace != self.link.trace {
                self.deliveries = replay(&link, true);
            }
            self.link = link;
        }
    }

    fn change_slots(&mut self, slot: Option<&Slot>, at: i64, out: &mut Vec<Delivery>) {
        match (self.slots.take(), slot) {
            (Some(mut slots), Some(slot)) => {
                slots.change(slot, at);
                self.slots = Some(slots);
            }
            (Some(slots), None) => slots.end(at, out),
            (None, slot) => self.slots = slot.map(|slot| Slots::new(slot, at, self.seed, self.direction)),
        }
    }

    /// One packet, or the copy of one. How many whole ones wait for a slot.
    fn enqueue(&mut self, now: i64, packet: &PacketInfo, copy: bool, out: &mut Vec<Delivery>) -> usize {
        let Netem { link, held, .. } = self;
        let stream = self.streams.of(packet.purpose);
        let prng = &mut stream.prng;
        prng.copy(copy);
        let twice = !copy && stream.duplicate.next(prng);
        let recorded = stream.fates.as_mut().map(|r| r.admit(Time(now as u64), packet.wire_bytes, self.by_packet));
        let lost = stream.loss.lost(prng) | (recorded == Some(None));
        if lost && !twice {
            return 0;
        }
        let corrupt = stream.corrupt.next(prng);
        if held.count(now) + self.slots.as_ref().map_or(0, |slots| slots.late(now)) >= link.limit as usize {
            return 0;
        }
        let copies = if twice && !lost { self.enqueue(now, packet, true, out) } else { 0 };
        let number = self.packets;
        let Netem { link, held, .. } = self;
        let stream = self.streams.of(packet.purpose);
        let prng = &mut stream.prng;
        prng.copy(copy);
        if stream.reorder.at_once(prng) {
            out.push(Delivery { packet: number, at: Time(now as u64), corrupt });
            return copies;
        }
        let recorded = recorded.flatten().map_or(0, |at| at.0 as i64 - now);
        let arrives = now + stream.delays.next(link, prng) + recorded;
        let sent = if let Some(rate) = &link.rate {
            // Only what is still there is waited for.
            let begins = if self.last > now { arrives.max(self.last) } else { arrives };
            if held.is_full(link.queue, arrives, begins) {
                return copies;
            }
            begins + packet_time(rate, packet.wire_bytes)
        } else if let Some(deliveries) = &mut self.deliveries {
            self.reached = self.reached.max(arrives).max(now);
            if held.is_full(link.queue, self.reached, self.last.max(self.reached)) {
                return copies;
            }
            match deliveries.admit(Time(self.reached as u64), packet.wire_bytes, self.by_packet) {
                Some(at) => at.0 as i64,
                None => return copies,
            }
        } else {
            arrives
        };
        self.last = self.last.max(sent);
        let due = sent.max(now);
        held.push(due);
        if let Some(slots) = &mut self.slots {
            slots.push(due, Waiting { packet: number, bytes: packet.wire_bytes, corrupt });
            return copies + usize::from(!corrupt);
        }
        out.push(Delivery { packet: number, at: Time(due as u64), corrupt });
        copies
    }
}

impl Impairment for Netem {
    fn admit(&mut self, now: Time, packet: &PacketInfo, out: &mut Vec<Delivery>) -> usize {
        self.advance(now, out);
        let stream = self.streams.of(packet.purpose);
        stream.prng.next_packet(now);
        let now = now.0 as i64;
        let mut waiting = self.enqueue(now, packet, false, out);
        if let Some(slots) = &mut self.slots {
            let told = out.len();
            slots.dequeue(now, out);
            waiting -= out[told..].iter().filter(|d| d.packet == self.packets && !d.corrupt).count();
        }
        self.packets += 1;
        waiting
    }

    fn wakes(&self) -> Option<Time> {
        self.slots.as_ref().and_then(Slots::wakes).map(|at| Time(at as u64))
    }

    fn advance(&mut self, now: Time, out: &mut Vec<Delivery>) {
        let now = now.0 as i64;
        self.follow_schedule(now, out);
        if let Some(slots) = &mut self.slots {
            slots.advance(now, out);
        }
    }
}

/// Repair has chance of its own, so that a retransmission more never changes what media meets.
struct Streams {
    media: Stream,
    repair: Stream,
    rtcp: Stream,
}

impl Streams {
    fn of(&mut self, purpose: Purpose) -> &mut Stream {
        match purpose {
            Purpose::Media => &mut self.media,
            Purpose::Retransmission | Purpose::Fec => &mut self.repair,
            Purpose::Control => &mut self.rtcp,
        }
    }
}

/// Packets that share a sequence of chance.
struct Stream {
    prng: Prng,
    duplicate: Happens,
    loss: LossProcess,
    corrupt: Happens,
    reorder: Reorder,
    delays: Delays,
    /// A trace of fates.
    fates: Option<Replay>,
}

impl Stream {
    fn new(prng: Prng, link: &LinkSpec) -> Stream {
        Stream {
            prng,
            duplicate: Happens::new(Draw::Duplicate, link.duplicates()),
            loss: LossProcess::new(link.loss),
            corrupt: Happens::new(Draw::Corrupt, link.corrupt),
            reorder: Reorder::new(link),
            delays: Delays::new(link),
            fates: replay(link, false),
        }
    }

    fn change(&mut self, old: &LinkSpec, new: &LinkSpec) {
        if new.duplicates() != old.duplicates() {
            self.duplicate = Happens::new(Draw::Duplicate, new.duplicates());
        }
        if new.loss != old.loss {
            self.loss = LossProcess::new(new.loss);
        }
        if new.corrupt != old.corrupt {
            self.corrupt = Happens::new(Draw::Corrupt, new.corrupt);
        }
        if (new.reorder, new.gap) != (old.reorder, old.gap) {
            self.reorder = Reorder::new(new);
        }
        if (new.delay, new.delay_correlation) != (old.delay, old.delay_correlation) {
            self.delays = Delays::new(new);
        }
        if new.trace != old.trace {
            self.fates = replay(new, false);
        }
    }
}

/// The link's trace, if it is one of delivery times, or one of fates.
fn replay(link: &LinkSpec, deliveries: bool) -> Option<Replay> {
    let is_it = |trace: &&Arc<Trace>| matches!(trace.kind, Kind::Opportunities { .. }) == deliveries;
    link.trace.as_ref().filter(is_it).map(|trace| Replay::new(Arc::clone(trace)))
}

#[cfg(test)]
mod tests;
