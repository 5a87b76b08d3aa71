//! An impairment as an interceptor stage of a peer connection, on its way out.
//!
//! At the wire-most slot it sees every RTP and RTCP packet after all else has had its say, and never ICE or DTLS. So a
//! lossy network cannot make the handshake fail (`rtc` 0.21.1 never re-arms the DTLS retransmission timer), and every
//! call begins at the same instant.

use super::clock::Clock;
use super::stage::{Handled, Queues, Stage};
use crate::net::{Delivery, Impairment, PacketInfo, Purpose};
use crate::units::Time;
use rtc::interceptor::{Attribute, Packet, Slot, TaggedPacket};
use rtc::shared::error::Error;
use rtc::shared::marshal::{Marshal, MarshalSize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Where the stage belongs: below every slot that `rtc` names.
pub const WIRE_MOST: usize = 500;

/// IPv4 without options (RFC 791) and UDP (RFC 768).
pub const IP_UDP_BYTES: usize = 20 + 8;

/// What SRTP and SRTCP add to a packet, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Protection {
    pub srtp: usize,
    pub srtcp: usize,
}

impl Protection {
    /// SRTP_AES128_CM_HMAC_SHA1_80 (RFC 5764, section 4.1.2): a tag of 80 bits; SRTCP has its index of 32 bits as well
    /// (RFC 3711, section 3.4). What browsers settle on.
    pub const AES_CM_SHA1_80: Protection = Protection { srtp: 10, srtcp: 10 + 4 };
}

/// One packet that a peer put on the wire after media start, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireRecord {
    pub sent: Time,
    /// IPv4, UDP, SRTP or SRTCP.
    pub bytes: usize,
    /// The track that it belongs to, repair as well; `None` for RTCP.
    pub track: Option<usize>,
    /// The RTP sequence number; `None` for RTCP.
    pub sequence: Option<u16>,
    /// No copy of it arrived whole: netem dropped or corrupted it.
    pub dropped: bool,
    pub purpose: Purpose,
}

/// A whole packet, before SRTP, and where the network put it: no arrival, it was dropped; two, it was duplicated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WirePacket {
    pub sent: Time,
    pub arrivals: Vec<Time>,
    pub bytes: Vec<u8>,
}

fn purpose(packet: &TaggedPacket) -> Purpose {
    match &packet.message.packet {
        Packet::Rtp(_) if packet.message.has(&Attribute::Retransmission) => Purpose::Retransmission,
        Packet::Rtp(_) if packet.message.custom::<FecMark>().is_some() => Purpose::Fec,
        Packet::Rtp(_) => Purpose::Media,
        _ => Purpose::Control,
    }
}

/// What a peer hangs on the packets of a repair stream.
#[derive(Clone, Copy, Debug)]
pub struct FecMark;

/// All that left through one stage, in order. Clones see the same log.
#[derive(Clone, Debug, Default)]
pub struct WireLog(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    records: Vec<WireRecord>,
    /// `None`: not asked for.
    packets: Option<Vec<WirePacket>>,
}

impl WireLog {
    pub fn records(&self) -> Vec<WireRecord> {
        self.lock().records.clone()
    }

    /// From now on whole packets are kept as well.
    pub fn keep_packets(&self) {
        self.lock().packets.get_or_insert_default();
    }

    /// Those since [`WireLog::keep_packets`]; they are given once.
    pub fn take_packets(&self) -> Vec<WirePacket> {
        self.lock().packets.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Gives the packet's place among those kept.
    fn push(&self, record: WireRecord, packet: &Packet) -> Result<Option<usize>, Error> {
        let mut log = self.lock();
        log.records.push(record);
        let Some(packets) = &mut log.packets else {
            return Ok(None);
        };
        packets.push(WirePacket { sent: record.sent, arrivals: Vec::new(), bytes: bytes(packet)? });
        Ok(Some(packets.len() - 1))
    }

    /// A packet at such a place arrives.
    fn arrives(&self, place: Option<usize>, at: Time) {
        let mut log = self.lock();
        if let Some(packet) = place.and_then(|place| log.packets.as_mut()?.get_mut(place)) {
            packet.arrivals.push(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As on the wire, but for SRTP: one RTP packet, or RTCP packets one after the other (RFC 3550, section 6.1).
fn bytes(packet: &Packet) -> Result<Vec<u8>, Error> {
    match packet {
        Packet::Rtp(rtp) => Ok(rtp.marshal()?.to_vec()),
        Packet::Rtcp(rtcp) => rtcp.iter().try_fold(Vec::new(), |all, p| Ok([all, p.marshal()?.to_vec()].concat())),
        _ => Ok(Vec::new()),
    }
}

/// Holds each packet as long as the impairment says, or drops it.
pub(super) struct NetemStage {
    // A mutex only because a stage must be `Sync` and an impairment need not be; it is never contended.
    impairment: Mutex<Box<dyn Impairment>>,
    /// What is sent before media start passes untouched.
    clock: Clock,
    protection: Protection,
    log: WireLog,
    /// The track of an SSRC.
    track_of: fn(u32) -> Option<usize>,
    /// By due time, then by order of admission.
    held: BTreeMap<(Instant, u64), TaggedPacket>,
    delivered: u64,
    /// Those whose arrivals are still to be told, by how many were admitted before.
    waiting: BTreeMap<u64, Waiting>,
    admitted: u64,
    /// A time and its instant: of the packet admitted last.
    reached: Option<(Time, Instant)>,
    deliveries: Vec<Delivery>,
}

/// A packet that the impairment holds.
struct Waiting {
    packet: TaggedPacket,
    arrivals: usize,
    /// In the log.
    place: Option<usize>,
}

impl NetemStage {
    /// `clock`: in virtual time the instant of media start.
    pub fn new(impairment: Box<dyn Impairment>, clock: impl Into<Clock>, protection: Protection, log: WireLog) -> Self {
        NetemStage {
            impairment: Mutex::new(impairment),
            clock: clock.into(),
            protection,
            log,
            track_of: |_| None,
            held: BTreeMap::new(),
            delivered: 0,
            waiting: BTreeMap::new(),
            admitted: 0,
            reached: None,
            deliveries: Vec::new(),
        }
    }

    /// The same, with what tells the track of an SSRC, for the log.
    pub fn with_tracks(self, track_of: fn(u32) -> Option<usize>) -> Self {
        NetemStage { track_of, ..self }
    }

    /// The slot to register it at.
    pub fn slot() -> Slot {
        Slot::from(WIRE_MOST)
    }

    fn hold(&mut self, due: Instant, packet: TaggedPacket) {
        self.held.insert((due, self.delivered), packet);
        self.delivered += 1;
    }

    /// The packets of the deliveries at hand are held until those; one goes with its last, copies with the others.
    fn deliver(&mut self) {
        let Some((sent, from)) = self.reached else {
            return;
        };
        for delivery in std::mem::take(&mut self.deliveries) {
            // A corrupt one has had its place on the link, and SRTP's authentication would refuse it.
            let Some(waiting) = self.waiting.get_mut(&delivery.packet).filter(|_| !delivery.corrupt) else {
                continue;
            };
            waiting.arrivals -= 1;
            self.log.arrives(waiting.place, delivery.at);
            let packet = match waiting.arrivals {
                0 => self.waiting.remove(&delivery.packet).map(|waiting| waiting.packet),
                _ => Some(TaggedPacket { message: waiting.packet.message.clone(), ..waiting.packet }),
            };
            if let Some(packet) = packet {
                self.hold(from + delivery.at.since(sent), packet);
            }
        }
    }

    fn release(&mut self, now: Instant, queues: &mut Queues) {
        while let Some(entry) = self.held.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let mut packet = entry.remove();
            packet.now = now;
            queues.outbound.push_back(packet);
        }
    }
}

impl Stage for NetemStage {
    fn outbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        let now = packet.now;
        let Some((sent, from)) = self.clock.sent(now, &packet.message.packet) else {
            queues.outbound.push_back(packet);
            return Ok(());
        };
        let (bytes, sequence) = match &packet.message.packet {
            Packet::Rtp(rtp) => (rtp.marshal_size() + self.protection.srtp, Some(rtp.header.sequence_number)),
            Packet::Rtcp(rtcp) => (rtcp.iter().map(|p| p.marshal_size()).sum::<usize>() + self.protection.srtcp, None),
            other => return Err(Error::Other(format!("a packet that is neither RTP nor RTCP: {other:?}"))),
        };
        let info = PacketInfo { wire_bytes: bytes + IP_UDP_BYTES, purpose: purpose(&packet) };
        let impairment = self.impairment.get_mut().unwrap_or_else(PoisonError::into_inner);
        let number = self.admitted;
        self.admitted += 1;
        let still = impairment.admit(sent, &info, &mut self.deliveries);
        let arrivals = still + self.deliveries.iter().filter(|d| d.packet == number && !d.corrupt).count();
        let track = match &packet.message.packet {
            Packet::Rtp(rtp) => (self.track_of)(rtp.header.ssrc),
            _ => None,
        };
        let record =
            WireRecord { sent, bytes: info.wire_bytes, track, sequence, dropped: arrivals == 0, purpose: info.purpose };
        let place = self.log.push(record, &packet.message.packet)?;
        self.reached = Some((sent, from));
        if arrivals > 0 {
            self.waiting.insert(number, Waiting { packet, arrivals, place });
        }
        self.deliver();
        self.release(now, queues);
        Ok(())
    }

    fn timeout(&mut self, now: Instant, queues: &mut Queues) -> Handled {
        if let Some((sent, from)) = self.reached {
            let impairment = self.impairment.get_mut().unwrap_or_else(PoisonError::into_inner);
            impairment.advance(sent + now.saturating_duration_since(from), &mut self.deliveries);
            self.deliver();
        }
        self.release(now, queues);
        Ok(())
    }

    fn timer(&mut self) -> Option<Instant> {
        let held = self.held.first_key_value().map(|((at, _), _)| *at);
        let impairment = self.impairment.get_mut().unwrap_or_else(PoisonError::into_inner);
        let wakes = impairment.wakes().zip(self.reached).map(|(at, (sent, from))| from + at.since(sent));
        held.into_iter().chain(wakes).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Direction;
    use crate::net::netem::Netem;
    use crate::net::spec::NetSpec;
    use crate::peer::stage::Staged;
    use crate::units::Seed;
    use proptest::prelude::*;
    use rtc::interceptor::AttributedPacket;
    use rtc::rtcp::receiver_report::ReceiverReport;
    use rtc::rtp;
    use rtc::sansio::Protocol;
    use rtc::shared::TransportContext;
    use std::collections::VecDeque;
    use std::time::Duration;

    /// Delivers packet after packet as the list says: a delay in ms for each copy.
    struct Script(VecDeque<Vec<u64>>, u64);

    impl Impairment for Script {
        fn admit(&mut self, now: Time, _: &PacketInfo, out: &mut Vec<Delivery>) -> usize {
            let (copies, packet) = (self.0.pop_front().unwrap_or_default(), self.1);
            self.1 += 1;
            let copy = |ms: &u64| Delivery { packet, at: now + Duration::from_millis(*ms), corrupt: false };
            out.extend(copies.iter().map(copy));
            0
        }
    }

    #[expect(clippy::disallowed_methods, reason = "only differences to this instant are used")]
    fn begin() -> Instant {
        Instant::now()
    }

    fn netem(impairment: Box<dyn Impairment>, start: Instant, log: &WireLog) -> Staged<NetemStage> {
        Staged::new(NetemStage::new(impairment, start, Protection::AES_CM_SHA1_80, log.clone()))
    }

    fn tagged(now: Instant, packet: Packet) -> TaggedPacket {
        TaggedPacket { now, transport: TransportContext::default(), message: AttributedPacket::new(packet) }
    }

    fn media(now: Instant, sequence_number: u16) -> TaggedPacket {
        let header = rtp::Header { version: 2, sequence_number, ..Default::default() };
        tagged(now, Packet::Rtp(rtp::Packet { header, payload: vec![0; 100].into() }))
    }

    fn sequence(packet: &TaggedPacket) -> u16 {
        match &packet.message.packet {
            Packet::Rtp(rtp) => rtp.header.sequence_number,
            _ => panic!("not media"),
        }
    }

    /// Sends a packet each 10 ms, runs from one timer to the next, and returns what left: when (in ms) and which.
    fn run(script: Vec<Vec<u64>>) -> (Vec<(u64, u16)>, Vec<WireRecord>) {
        let (start, count, log) = (begin(), script.len() as u64, WireLog::default());
        let mut stage = netem(Box::new(Script(script.into(), 0)), start, &log);
        let mut left = Vec::new();
        for n in 0..=count {
            let at = if n < count { start + Duration::from_millis(n * 10) } else { start + Duration::from_secs(3600) };
            while let Some(due) = stage.poll_timeout().filter(|due| *due <= at) {
                stage.handle_timeout(due).unwrap();
                left.extend(std::iter::from_fn(|| stage.poll_write()));
                assert!(stage.poll_timeout().is_none_or(|next| next > due));
            }
            if n < count {
                stage.handle_write(media(at, n as u16)).unwrap();
                left.extend(std::iter::from_fn(|| stage.poll_write()));
            }
        }
        let at = |p: &TaggedPacket| p.now.duration_since(start).as_millis() as u64;
        (left.iter().map(|p| (at(p), sequence(p))).collect(), log.records())
    }

    proptest! {
        #[test]
        fn packets_are_conserved_and_leave_in_order_of_time(
            script in prop::collection::vec(prop::collection::vec(0..100u64, 0..3), 0..50)
        ) {
            let (left, log) = run(script.clone());
            let mut expected: Vec<(u64, u16)> = Vec::new();
            for (n, delays) in script.iter().enumerate() {
                expected.extend(delays.iter().map(|d| (n as u64 * 10 + d, n as u16)));
            }
            prop_assert!(left.windows(2).all(|w| w[0].0 <= w[1].0));
            // At one instant the one sent first leaves first.
            expected.sort();
            prop_assert_eq!(left, expected);
            prop_assert_eq!(log.len(), script.len());
            for (n, (record, delays)) in log.iter().zip(&script).enumerate() {
                prop_assert_eq!(record.sent, Time::from_millis(n as u64 * 10));
                prop_assert_eq!(record.sequence, Some(n as u16));
                prop_assert_eq!(record.dropped, delays.is_empty());
                prop_assert_eq!(record.bytes, 20 + 8 + 12 + 100 + 10);
            }
        }
    }

    #[test]
    fn before_media_start_all_passes_untouched() {
        let (now, log) = (begin(), WireLog::default());
        let nothing = Box::new(Script(VecDeque::new(), 0));
        let start = now + Duration::from_secs(1);
        let mut stage = netem(nothing, start, &log);
        stage.handle_write(media(now, 7)).unwrap();
        assert_eq!(stage.poll_write().map(|p| sequence(&p)), Some(7));
        assert!(log.records().is_empty());
        stage.handle_write(media(start, 8)).unwrap();
        assert!(stage.poll_write().is_none());
        assert!(log.records()[0].dropped);
    }

    #[test]
    fn a_corrupt_copy_goes_nowhere() {
        struct Corrupt;
        impl Impairment for Corrupt {
            fn admit(&mut self, at: Time, packet: &PacketInfo, out: &mut Vec<Delivery>) -> usize {
                let report = packet.purpose == Purpose::Control;
                out.push(Delivery { packet: report.into(), at, corrupt: true });
                out.extend(report.then_some(Delivery { packet: 1, at, corrupt: false }));
                0
            }
        }
        let (now, log) = (begin(), WireLog::default());
        let mut stage = netem(Box::new(Corrupt), now, &log);
        stage.handle_write(media(now, 7)).unwrap();
        assert!(stage.poll_write().is_none());
        stage.handle_write(tagged(now, Packet::Rtcp(vec![Box::new(ReceiverReport::default())]))).unwrap();
        assert!(stage.poll_write().is_some() && stage.poll_write().is_none());
        assert_eq!(log.records().iter().map(|r| r.dropped).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn what_waits_for_a_slot_leaves_when_it_opens() {
        let (start, log) = (begin(), WireLog::default());
        log.keep_packets();
        let spec: NetSpec = "slot 30ms duplicate 100%".parse().unwrap();
        let link = Netem::new(spec.forward, spec.chance, Seed(1), Direction::Forward);
        let mut stage = netem(Box::new(link), start, &log);
        let at = |ms| start + Duration::from_millis(ms);
        // The slot that opened at 0 is over at 10 ms; the next one opens 30 ms after the packet.
        stage.handle_write(media(at(10), 1)).unwrap();
        stage.handle_write(media(at(20), 2)).unwrap();
        assert!(stage.poll_write().is_none());
        assert_eq!(stage.poll_timeout(), Some(at(40)));
        assert!(log.records().iter().all(|record| !record.dropped));
        stage.handle_timeout(at(40)).unwrap();
        let left: Vec<u16> = std::iter::from_fn(|| stage.poll_write()).map(|p| sequence(&p)).collect();
        assert_eq!((left, stage.poll_timeout()), (vec![1, 1, 2, 2], None));
        let arrivals: Vec<_> = log.take_packets().into_iter().map(|packet| packet.arrivals).collect();
        assert_eq!(arrivals, [[Time::from_millis(40); 2]; 2]);
    }

    #[test]
    fn reports_pay_for_their_index_and_what_comes_in_is_left_alone() {
        let (now, log) = (begin(), WireLog::default());
        let script = Box::new(Script(VecDeque::from([vec![0]]), 0));
        let mut stage = netem(script, now, &log);
        stage.handle_write(tagged(now, Packet::Rtcp(vec![Box::new(ReceiverReport::default())]))).unwrap();
        assert!(stage.poll_write().is_some());
        let record = WireRecord {
            sent: Time::ZERO,
            bytes: 20 + 8 + 8 + 4 + 10,
            track: None,
            sequence: None,
            dropped: false,
            purpose: Purpose::Control,
        };
        assert_eq!(log.records(), [record]);
        stage.handle_read(media(now, 9)).unwrap();
        assert_eq!(stage.poll_read().map(|p| sequence(&p)), Some(9));
    }
}
