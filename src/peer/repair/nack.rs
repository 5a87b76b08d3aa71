//! Requests for lost packets: generic NACK (RFC 4585, section 6.2.1), timed as libwebrtc times them.
//!
//! `rtc`'s own generator asks on a tick of 100 ms, without end, whatever the round trip; with a shorter tick it asks for
//! each packet several times before the first answer can be there.

use super::notes::Notes;
use crate::peer::rtcp::picture_loss;
use crate::peer::stage::{Handled, Queues, Stage};
use crate::peer::track::{Kind, TrackSpec, ssrcs};
use rtc::interceptor::{AttributedPacket, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack};
use rtc::shared::TransportContext;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// libwebrtc's: the round trip before one was measured, and the packets that may be missing at a time; beyond that nothing
/// is asked for, but of video a new key picture.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);
const MOST_MISSING: usize = 1000;

/// How often a packet is asked for: of video as in libwebrtc.
fn most_requests(kind: Kind) -> u8 {
    match kind {
        Kind::Audio => 10,
        Kind::Video => 100,
    }
}

/// What is waited beyond the round trip before a packet is asked for again: libwebrtc looks every 20 ms, so it waits so
/// much longer in the mean. At the very instant at which the answer is due, asking again would be waste.
const ALLOWANCE: Duration = Duration::from_millis(10);

/// How long an answer is waited for that nobody can use any more, to learn the round trip from it.
const LATEST_ANSWER: Duration = Duration::from_secs(2);

/// Answers from which the round trip is known.
const ANSWERS: usize = 8;

/// Asks for a packet when a later one has come, and again after each round trip, until it comes or would be too late.
pub(super) struct NackGenerator {
    /// By the SSRC of the media.
    streams: BTreeMap<u32, Stream>,
    notes: Notes,
}

/// A stream that is watched.
struct Stream {
    track: usize,
    kind: Kind,
    media_ssrc: u32,
    /// The other peer answers.
    offered: bool,
    /// How long after its absence was noticed a packet is of use.
    patience: Duration,
    newest: Option<i64>,
    missing: BTreeMap<i64, Missing>,
    /// First request to arrival, of the last packets that were asked for. Where a request or an answer was lost it is too
    /// long; the median stands that.
    answers: VecDeque<Duration>,
    /// So much is missing that only a new key picture helps.
    lost: bool,
}

struct Missing {
    noticed: Instant,
    asked: u8,
    last: Instant,
}

impl NackGenerator {
    pub fn new(tracks: &[TrackSpec], notes: Notes) -> NackGenerator {
        let watched = tracks.iter().enumerate().filter(|(_, track)| track.repair.nack);
        let streams = watched.map(|(i, track)| (ssrcs(i).media, Stream::new(i, track.kind, track.patience)));
        NackGenerator { streams: streams.collect(), notes }
    }
}

impl Stream {
    fn new(track: usize, kind: Kind, patience: Duration) -> Stream {
        Stream {
            track,
            kind,
            media_ssrc: ssrcs(track).media,
            offered: false,
            patience,
            newest: None,
            missing: BTreeMap::new(),
            answers: VecDeque::new(),
            lost: false,
        }
    }

    /// `None` before the first answer.
    fn round_trip(&self) -> Option<Duration> {
        let mut answers: Vec<Duration> = self.answers.iter().copied().collect();
        answers.sort_unstable();
        answers.get(answers.len().saturating_sub(1) / 2).copied()
    }

    /// After a request the next one.
    fn again(&self) -> Duration {
        self.round_trip().unwrap_or(FIRST_ROUND_TRIP) + ALLOWANCE
    }

    /// Takes note of a packet; `answer`: it may be one to a request.
    fn arrived(&mut self, now: Instant, sequence: u16, answer: bool) {
        let newest = *self.newest.get_or_insert(i64::from(sequence));
        let sequence = newest + i64::from(sequence.wrapping_sub(newest as u16) as i16);
        if sequence > newest {
            let too_far = sequence - newest > MOST_MISSING as i64;
            if !too_far {
                let missing = |s| (s, Missing { noticed: now, asked: 0, last: now });
                self.missing.extend((newest + 1..sequence).map(missing));
            }
            if too_far || self.missing.len() > MOST_MISSING {
                self.missing.clear();
                self.lost = true;
            }
            self.newest = Some(sequence);
        } else if let Some(found) = self.missing.remove(&sequence)
            && found.asked > 0
            && answer
        {
            self.answers.truncate(ANSWERS - 1);
            self.answers.push_front(now.duration_since(found.noticed));
        }
    }

    /// Asks for all that is due.
    fn ask(&mut self, now: Instant, queues: &mut Queues) {
        let mut send = |message: Box<dyn rtc::rtcp::Packet>| {
            let message = AttributedPacket::new(Packet::Rtcp(vec![message]));
            queues.outbound.push_back(TaggedPacket { now, transport: TransportContext::default(), message });
        };
        if std::mem::take(&mut self.lost) && self.kind == Kind::Video {
            send(picture_loss(self.media_ssrc));
        }
        let (media_ssrc, patience, again, requests) =
            (self.media_ssrc, self.patience, self.again(), most_requests(self.kind));
        self.missing.retain(|_, m| now.duration_since(m.noticed) <= patience.max(LATEST_ANSWER));
        let mut due = Vec::new();
        for (sequence, missing) in &mut self.missing {
            let of_use = missing.asked < requests && now.duration_since(missing.noticed) <= patience;
            if of_use && (missing.asked == 0 || now.duration_since(missing.last) >= again) {
                missing.asked += 1;
                missing.last = now;
                due.push(*sequence as u16);
            }
        }
        if !due.is_empty() {
            let sender_ssrc = media_ssrc.wrapping_add(1);
            send(Box::new(TransportLayerNack { sender_ssrc, media_ssrc, nacks: pairs(&due) }));
        }
    }

    fn timer(&self) -> Option<Instant> {
        let (again, requests) = (self.again(), most_requests(self.kind));
        let waiting = self.missing.values().filter(|m| m.asked < requests).map(|m| (m.last + again, m.noticed));
        waiting.filter(|(at, noticed)| *at <= *noticed + self.patience).map(|(at, _)| at).min()
    }
}

impl Stage for NackGenerator {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        if let Packet::Rtp(rtp) = &packet.message.packet
            && let Some(stream) = self.streams.get_mut(&rtp.header.ssrc).filter(|stream| stream.offered)
        {
            let sequence = rtp.header.sequence_number;
            // Audio comes again as it was, and may be late only; RTX is an answer for certain.
            let answer = stream.kind == Kind::Audio || self.notes.is_retransmitted(stream.track, sequence);
            stream.arrived(packet.now, sequence, answer);
            stream.ask(packet.now, queues);
            stream.round_trip().into_iter().for_each(|trip| self.notes.note_round_trip(stream.track, trip));
        }
        queues.inbound.push_back(packet);
        Ok(())
    }

    fn timeout(&mut self, now: Instant, queues: &mut Queues) -> Handled {
        self.streams.values_mut().for_each(|stream| stream.ask(now, queues));
        Ok(())
    }

    fn timer(&mut self) -> Option<Instant> {
        self.streams.values().filter_map(Stream::timer).min()
    }

    fn remote(&mut self, stream: &StreamInfo) {
        if let Some(watched) = self.streams.get_mut(&stream.ssrc) {
            watched.offered |= stream.rtcp_feedback.iter().any(|f| f.typ == "nack" && f.parameter.is_empty());
        }
    }
}

/// Ascending sequence numbers as pairs of one number and a bit for each of the next sixteen.
fn pairs(sequences: &[u16]) -> Vec<NackPair> {
    let mut pairs: Vec<NackPair> = Vec::new();
    for &sequence in sequences {
        match pairs.last_mut() {
            Some(pair) if (1..=16).contains(&sequence.wrapping_sub(pair.packet_id)) => {
                pair.lost_packets |= 1 << (sequence.wrapping_sub(pair.packet_id) - 1);
            }
            _ => pairs.push(NackPair::new(sequence)),
        }
    }
    pairs
}

/// How long a receiver that plays `delay` behind the network asks for a packet: until it could not play it any more.
/// Without a known delay a second.
pub fn patience(delay: Option<Duration>) -> Duration {
    delay.unwrap_or(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::track::tests::opus;
    use rtc::interceptor::RTCPFeedback;
    use rtc::rtp;

    const MEDIA: u32 = ssrcs(0).media;

    #[expect(clippy::disallowed_methods, reason = "only differences to this instant are used")]
    fn begin() -> Instant {
        Instant::now()
    }

    /// A packet each 20 ms without those of `lost`; each is answered `round_trip` after it was first asked for, unless
    /// that is `None`. Gives the requests: when, in ms, and for what.
    fn run(patience_ms: u64, lost: &[u16], round_trip: Option<u64>) -> Vec<(u64, u16)> {
        let (start, mut queues, mut asked) = (begin(), Queues::default(), Vec::new());
        let at = |ms| start + Duration::from_millis(ms);
        let patience = Duration::from_millis(patience_ms);
        let mut generator = NackGenerator::new(&[opus("nack", patience)], Notes::default());
        let feedback = RTCPFeedback { typ: "nack".into(), parameter: String::new() };
        generator.remote(&StreamInfo { ssrc: MEDIA, rtcp_feedback: vec![feedback], ..Default::default() });
        let packet = |now, sequence_number| {
            let header = rtp::Header { version: 2, ssrc: MEDIA, sequence_number, ..Default::default() };
            let message = AttributedPacket::new(Packet::Rtp(rtp::Packet { header, payload: Vec::new().into() }));
            TaggedPacket { now, transport: TransportContext::default(), message }
        };
        let sent =
            (0..250u64).filter(|n| !lost.contains(&(*n as u16))).map(|n| (20 * n, 65_400u16.wrapping_add(n as u16)));
        let mut arrivals: BTreeMap<(u64, u16), ()> = sent.map(|key| (key, ())).collect();
        while let Some(((ms, sequence), ())) = arrivals.pop_first() {
            let mut drain = |now: u64, queues: &mut Queues, arrivals: &mut BTreeMap<(u64, u16), ()>| {
                for request in queues.outbound.drain(..) {
                    let Packet::Rtcp(parts) = request.message.packet else { panic!("not RTCP") };
                    let nack = parts[0].as_any().downcast_ref::<TransportLayerNack>().unwrap();
                    for s in nack.nacks.iter().flat_map(|pair| pair.packet_list()) {
                        let n = s.wrapping_sub(65_400);
                        if let Some(trip) = round_trip.filter(|_| !asked.iter().any(|(_, m)| *m == n)) {
                            arrivals.insert((now + trip, s), ());
                        }
                        asked.push((now, n));
                    }
                }
            };
            while let Some(due) = generator.timer().filter(|due| *due < at(ms)) {
                generator.timeout(due, &mut queues).unwrap();
                drain(due.duration_since(start).as_millis() as u64, &mut queues, &mut arrivals);
                assert!(generator.timer().is_none_or(|next| next > due));
            }
            generator.inbound(packet(at(ms), sequence), &mut queues).unwrap();
            drain(ms, &mut queues, &mut arrivals);
        }
        asked
    }

    #[test]
    fn a_packet_is_asked_for_when_the_next_has_come_and_again_after_each_round_trip() {
        assert_eq!(run(1000, &[10], Some(50)), [(220, 10)]);
        // Nothing comes back: 110 ms apart, for as long as it may be of use, and ten times at most.
        let times: Vec<u64> = run(350, &[10], None).iter().map(|(ms, _)| *ms).collect();
        assert_eq!(times, [220, 330, 440, 550]);
        assert_eq!(run(60_000, &[10], None).len(), 10);
    }

    #[test]
    fn the_round_trip_is_learnt_from_the_answers() {
        // At 400 ms, the first loss is asked for four times; then the round trip is known.
        // Also when the answers come too late to be of use.
        for (patience, first) in [(1000, 4), (250, 3)] {
            let asked = run(patience, &[10, 60, 110], Some(400));
            let of = |n: u16| asked.iter().filter(|(_, m)| *m == n).count();
            assert_eq!((of(10), of(60), of(110)), (first, 1, 1), "{asked:?}");
        }
        assert_eq!(run(100, &[10, 60], Some(30)), [(220, 10), (1220, 60)]);
    }

    #[test]
    fn a_burst_is_one_request_and_sequence_numbers_wrap() {
        let lost: Vec<u16> = (100..140).chain([150]).collect();
        let asked = run(1000, &lost, Some(50));
        assert_eq!(asked.iter().map(|(_, n)| *n).collect::<Vec<_>>(), lost);
        assert_eq!(
            pairs(&[65_530, 65_535, 1, 20]),
            [
                NackPair { packet_id: 65_530, lost_packets: 1 << 4 | 1 << 6 },
                NackPair { packet_id: 20, lost_packets: 0 },
            ]
        );
    }
}
