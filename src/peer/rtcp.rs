//! RTCP in virtual time: sender reports that leave say virtual time; receiver reports and requests for a key picture that
//! come back are kept for the application.

use super::stage::{Handled, Queues, Stage};
use super::track::track_of_media;
use crate::peer::clock::Clock;
use crate::units::Time;
use rtc::interceptor::{Packet, Slot, TaggedPacket};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A receiver report that reached the sender (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossReport {
    pub at: Time,
    /// The place of its track among those of the call.
    pub track: usize,
    /// 0 to 1, since the previous report, in steps of 1/256. A packet that had been overtaken and was still under way
    /// counts as lost, for `rtc` does not take it back.
    pub fraction_lost: f64,
    /// From the sender report that the receiver last saw; `None` before it saw one. In steps of 1/65536 s.
    pub round_trip: Option<Duration>,
}

/// Receiver reports and requests for key pictures that came in, in order. Clones see the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Reports(Arc<Mutex<Inbox>>);

#[derive(Debug, Default)]
struct Inbox {
    reports: Vec<LossReport>,
    /// When, and for which track.
    key_requests: Vec<(Time, usize)>,
}

impl Reports {
    pub(super) fn take(&self) -> Vec<LossReport> {
        std::mem::take(&mut self.lock().reports)
    }

    pub(super) fn take_key_requests(&self) -> Vec<(Time, usize)> {
        std::mem::take(&mut self.lock().key_requests)
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for a key picture of the track with that SSRC (RFC 4585, section 6.3.1).
pub(super) fn picture_loss(media_ssrc: u32) -> Box<dyn rtc::rtcp::Packet> {
    // The SSRC of a peer that sends no media, as libwebrtc has it.
    Box::new(PictureLossIndication { sender_ssrc: 1, media_ssrc })
}

/// Rewrites the NTP time of outgoing sender reports, for `rtc` reads the system's clock there; notes incoming receiver
/// reports and requests for key pictures, for `rtc` 0.21.1 takes no statistics of them.
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
        // Repair streams have reports of their own.
        let Some(track) = track_of_media(report.ssrc) else { return };
        let round_trip = (report.last_sender_report != 0).then(|| {
            let passed = (self.ntp(now) >> 16) as u32;
            let units = passed.wrapping_sub(report.last_sender_report).wrapping_sub(report.delay);
            Duration::from_nanos(u64::from(units) * 1_000_000_000 / 65_536)
        });
        self.reports.lock().reports.push(LossReport {
            at: self.time(now),
            track,
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

impl Stage for VirtualReports {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        if let Packet::Rtcp(parts) = &packet.message.packet {
            let receiver_reports = parts.iter().filter_map(|p| p.as_any().downcast_ref::<ReceiverReport>());
            for report in receiver_reports.flat_map(|r| &r.reports) {
                self.note(packet.now, report);
            }
            let losses = parts.iter().filter_map(|p| p.as_any().downcast_ref::<PictureLossIndication>());
            let tracks = losses.filter_map(|loss| track_of_media(loss.media_ssrc));
            let at = self.time(packet.now);
            self.reports.lock().key_requests.extend(tracks.map(|track| (at, track)));
        }
        queues.inbound.push_back(packet);
        Ok(())
    }

    fn outbound(&mut self, mut packet: TaggedPacket, queues: &mut Queues) -> Handled {
        let ntp_time = self.ntp(packet.now);
        if let Packet::Rtcp(parts) = &mut packet.message.packet {
            for part in parts {
                if let Some(report) = part.as_any().downcast_ref::<SenderReport>() {
                    *part = Box::new(SenderReport { ntp_time, ..report.clone() });
                }
            }
        }
        queues.outbound.push_back(packet);
        Ok(())
    }
}
