//! RTCP reports in virtual time: what leaves says virtual time, what comes back is kept for the application.

use super::aid::{Aid, Queues};
use crate::net::clock::Clock;
use crate::units::Time;
use rtc::interceptor::{Packet, Slot, TaggedPacket};
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A receiver report that reached the sender (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossReport {
    pub at: Time,
    /// 0 to 1, since the previous report, in steps of 1/256. A packet that had been overtaken and was still under way
    /// counts as lost, for `rtc` does not take it back.
    pub fraction_lost: f64,
    /// From the sender report that the receiver last saw; `None` before it saw one. In steps of 1/65536 s.
    pub round_trip: Option<Duration>,
}

/// Receiver reports that came in, in order. Clones see the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Reports(Arc<Mutex<Vec<LossReport>>>);

impl Reports {
    pub(super) fn take(&self) -> Vec<LossReport> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Rewrites the NTP time of outgoing sender reports, for `rtc` reads the system's clock there; notes incoming receiver
/// reports, for `rtc` 0.21.1 takes no statistics of them.
pub(super) struct VirtualReports {
    clock: Clock,
    reports: Reports,
}

impl VirtualReports {
    pub(super) fn new(clock: impl Into<Clock>, reports: Reports) -> VirtualReports {
        VirtualReports { clock: clock.into(), reports }
    }

    /// Wire-ward of both report generators, which `rtc` puts at 10,000 and 11,000.
    pub(super) fn slot() -> Slot {
        Slot::from(9_500)
    }

    fn note(&self, now: Instant, report: &ReceptionReport) {
        let round_trip = (report.last_sender_report != 0).then(|| {
            let passed = (self.ntp(now) >> 16) as u32;
            let units = passed.wrapping_sub(report.last_sender_report).wrapping_sub(report.delay);
            Duration::from_nanos(u64::from(units) * 1_000_000_000 / 65_536)
        });
        self.reports.0.lock().unwrap_or_else(PoisonError::into_inner).push(LossReport {
            at: self.time(now),
            fraction_lost: f64::from(report.fraction_lost) / 256.0,
            round_trip,
        });
    }

    fn time(&self, now: Instant) -> Time {
        self.clock.time(now).unwrap_or(Time::ZERO)
    }

    /// 32 bits of seconds, 32 of fraction (RFC 3550, section 4). Media start is said to be the beginning of 2000, so
    /// that no report depends on the day.
    fn ntp(&self, now: Instant) -> u64 {
        const YEAR_2000: u64 = 3_155_673_600;
        let since = self.time(now).since(Time::ZERO);
        ((YEAR_2000 + since.as_secs()) << 32) | ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000)
    }
}

impl Aid for VirtualReports {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) {
        if let Packet::Rtcp(parts) = &packet.message.packet {
            let receiver_reports = parts.iter().filter_map(|p| p.as_any().downcast_ref::<ReceiverReport>());
            for report in receiver_reports.flat_map(|r| &r.reports) {
                self.note(packet.now, report);
            }
        }
        queues.inbound.push_back(packet);
    }

    fn outbound(&mut self, mut packet: TaggedPacket, queues: &mut Queues) {
        let ntp_time = self.ntp(packet.now);
        if let Packet::Rtcp(parts) = &mut packet.message.packet {
            for part in parts {
                if let Some(report) = part.as_any().downcast_ref::<SenderReport>() {
                    *part = Box::new(SenderReport { ntp_time, ..report.clone() });
                }
            }
        }
        queues.outbound.push_back(packet);
    }
}
