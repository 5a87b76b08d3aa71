//! An impairment as an interceptor of a peer connection, on its way out.
//!
//! At the wire-most slot it sees every RTP and RTCP packet after all else has had its say, and never ICE or DTLS. So a
//! lossy network cannot make the handshake fail (`rtc` 0.21.1 never re-arms the DTLS retransmission timer), and every
//! call begins at the same instant.

use super::{Delivery, Impairment, PacketInfo};
use crate::units::Time;
use rtc::interceptor::{Interceptor, Packet, Slot, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtc::shared::marshal::MarshalSize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Where the interceptor belongs: below every slot that `rtc` names.
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
    /// The RTP sequence number; `None` for RTCP.
    pub sequence: Option<u16>,
    pub dropped: bool,
}

/// All that left through one interceptor, in order. Clones see the same log.
#[derive(Clone, Debug, Default)]
pub struct WireLog(Arc<Mutex<Vec<WireRecord>>>);

impl WireLog {
    pub fn records(&self) -> Vec<WireRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, record: WireRecord) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }
}

/// Holds each packet as long as the impairment says, or drops it.
pub struct NetemInterceptor {
    // A mutex only because an interceptor must be `Sync` and an impairment need not be; it is never contended.
    impairment: Mutex<Box<dyn Impairment>>,
    /// Media start, [`Time::ZERO`]. What is sent before it passes untouched.
    start: Instant,
    protection: Protection,
    log: WireLog,
    /// By due time, then by order of admission.
    held: BTreeMap<(Instant, u64), TaggedPacket>,
    admitted: u64,
    due: VecDeque<TaggedPacket>,
    inbound: VecDeque<TaggedPacket>,
    deliveries: Vec<Delivery>,
}

impl NetemInterceptor {
    pub fn new(impairment: Box<dyn Impairment>, start: Instant, protection: Protection, log: WireLog) -> Self {
        NetemInterceptor {
            impairment: Mutex::new(impairment),
            start,
            protection,
            log,
            held: BTreeMap::new(),
            admitted: 0,
            due: VecDeque::new(),
            inbound: VecDeque::new(),
            deliveries: Vec::new(),
        }
    }

    /// The slot to register it at.
    pub fn slot() -> Slot {
        Slot::from(WIRE_MOST)
    }

    fn hold(&mut self, due: Instant, packet: TaggedPacket) {
        self.held.insert((due, self.admitted), packet);
        self.admitted += 1;
    }

    fn release(&mut self, now: Instant) {
        while let Some(entry) = self.held.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let mut packet = entry.remove();
            packet.now = now;
            self.due.push_back(packet);
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for NetemInterceptor {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.inbound.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        let Some(since) = packet.now.checked_duration_since(self.start) else {
            self.due.push_back(packet);
            return Ok(());
        };
        let (sent, now) = (Time::ZERO + since, packet.now);
        let (bytes, sequence) = match &packet.message.packet {
            Packet::Rtp(rtp) => (rtp.marshal_size() + self.protection.srtp, Some(rtp.header.sequence_number)),
            Packet::Rtcp(rtcp) => (rtcp.iter().map(|p| p.marshal_size()).sum::<usize>() + self.protection.srtcp, None),
            other => return Err(Error::Other(format!("a packet that is neither RTP nor RTCP: {other:?}"))),
        };
        let info = PacketInfo { wire_bytes: bytes + IP_UDP_BYTES, rtcp: sequence.is_none() };
        let impairment = self.impairment.get_mut().unwrap_or_else(PoisonError::into_inner);
        impairment.admit(sent, &info, &mut self.deliveries);
        self.log.push(WireRecord { sent, bytes: info.wire_bytes, sequence, dropped: self.deliveries.is_empty() });
        // The packet itself goes with the last delivery, copies with the others.
        if let Some(last) = self.deliveries.pop() {
            for i in 0..self.deliveries.len() {
                let copy = TaggedPacket { message: packet.message.clone(), ..packet };
                self.hold(now + self.deliveries[i].at.since(sent), copy);
            }
            self.hold(now + last.at.since(sent), packet);
            self.deliveries.clear();
        }
        self.release(now);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.due.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.release(now);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.held.first_key_value().map(|((at, _), _)| *at)
    }
}

impl Interceptor for NetemInterceptor {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
