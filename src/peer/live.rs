//! Two PeerConnections of the `webrtc` crate on UDP sockets of this machine's loopback, in real time.
//!
//! They negotiate, connect and report as those of [`super::sim`] do, with the same codecs, SRTP profile, interceptors and
//! impairments under the same seed; what differs is who carries the datagrams (the system's sockets) and who keeps the
//! time (the system's clock). The fate of every media packet is the simulated one, for netem goes by the nominal time of
//! sending ([`Clock`]). Arrivals have the time at which the receiving application got them: a little later than in
//! virtual time, by the timers of Tokio (whole milliseconds) and by what the machine takes to wake its threads.
//!
//! Time is virtual to the caller all the same: [`Live::advance`] waits until the clock shows it. So nothing here is the
//! same to the byte when it is run again.

use super::api::Peers;
use super::endpoint::Endpoint;
use super::repair::notes::Notes;
use super::rtcp::{Reports, VirtualReports, picture_loss};
use super::taps::{Taps, Track};
use super::track::{
    Arrival, Outgoing, TrackSpec, arrival, call_error, check, preferences, rtp_packet, send_only, ssrcs, track_of,
    with_fmtp,
};
use crate::error::{Error, Result};
use crate::net::Direction;
use crate::net::netem::Netem;
use crate::net::spec::NetSpec;
use crate::peer::clock::Clock;
use crate::peer::wire::{NetemStage, WireLog};
use crate::units::{Seed, Time};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder, RTCIceGatheringState,
    RTCPeerConnectionState, RTCSessionDescription,
};

/// How long gathering, ICE and DTLS may take together. They take far less, but the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// From the moment at which both peers are connected to media start.
const LEAD: Duration = Duration::from_millis(200);

/// A connected call on sockets. Virtual time is [`Time::ZERO`] at media start.
pub struct Live {
    sender: Peer,
    receiver: Peer,
    taps: Taps,
    locals: Vec<Arc<TrackLocalStaticRTP>>,
    start: Instant,
    reached: Time,
    clock: Clock,
    // The last one: its tasks hold all of the above.
    runtime: Runtime,
}

impl Live {
    /// Negotiates and connects.
    ///
    /// # Errors
    /// [`Error::Call`]: there is no track, or one payload type for two codecs; there is no socket on 127.0.0.1 to be had, the peers do not agree on a codec, or they are not
    /// connected within 10 s.
    pub fn connect(tracks: &[TrackSpec], net: &NetSpec, seed: Seed) -> Result<Live> {
        check(tracks)?;
        let system = |what: &str, e: std::io::Error| Error::Call(format!("live: {what}: {e}"));
        // One thread for the peers, so that packets keep moving while the caller's thread codes and decodes.
        let runtime =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(|e| system("no threads", e))?;
        std::net::UdpSocket::bind("127.0.0.1:0").map_err(|e| system("no UDP socket on 127.0.0.1", e))?;
        let (clock, taps) = (Clock::live(), Taps::default());
        let peer = |link, direction, wire: WireLog, reports: Reports| {
            let impairment = Box::new(Netem::new(link, net.chance, seed, direction));
            let netem = NetemStage::new(impairment, clock.clone(), Endpoint::protection(), wire);
            let netem = netem.with_tracks(track_of);
            Peer::new(tracks, &taps.notes, VirtualReports::new(clock.clone(), reports), netem, &clock)
        };
        let connected = async {
            let sender = peer(net.forward.clone(), Direction::Forward, taps.wire.clone(), taps.reports.clone()).await?;
            let receiver = peer(net.back.clone(), Direction::Back, WireLog::default(), Reports::default()).await?;
            let mut locals = Vec::new();
            for (i, track) in tracks.iter().enumerate() {
                let (media, init) = send_only(i, track);
                let local = Arc::new(TrackLocalStaticRTP::new(media));
                let transceiver = sender
                    .connection
                    .add_transceiver_from_track(local.clone(), Some(init))
                    .await
                    .map_err(call_error)?;
                if let Some(codecs) = preferences(i, tracks) {
                    transceiver.set_codec_preferences(codecs).await.map_err(call_error)?;
                }
                locals.push(local);
            }
            let offer = sender.connection.create_offer(None).await.map_err(call_error)?;
            let offer = sender.gathered(offer).await?;
            receiver.connection.set_remote_description(offer).await.map_err(call_error)?;
            let answer = receiver.connection.create_answer(None).await.map_err(call_error)?;
            let (answer, negotiated) = with_fmtp(&receiver.gathered(answer).await?, tracks)?;
            // Nothing comes before the sender has the answer.
            receiver.events.descriptors.get_or_init(|| negotiated.iter().map(|n| n.descriptor).collect());
            sender.connection.set_remote_description(answer).await.map_err(call_error)?;
            sender.connected().await?;
            receiver.connected().await?;
            Ok((sender, receiver, locals, negotiated))
        };
        let late = |_| Error::Call(format!("live: the peers are not connected after {} s", PATIENCE.as_secs()));
        let (sender, receiver, locals, negotiated) =
            runtime.block_on(async { tokio::time::timeout(PATIENCE, connected).await.map_err(late)? })?;
        let start = present() + LEAD;
        clock.begin(start);
        Ok(Live {
            sender,
            receiver,
            taps: taps.with_tracks(tracks, negotiated),
            locals,
            start,
            reached: Time::ZERO,
            clock,
            runtime,
        })
    }

    fn lock_arrivals(&self) -> MutexGuard<'_, Vec<Arrival>> {
        self.receiver.events.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peers for Live {
    fn taps(&self) -> &Taps {
        &self.taps
    }

    fn send(&mut self, now: Time, track: usize, packet: Outgoing) -> Result<()> {
        self.advance(now)?;
        let Track { payload_type, negotiated, .. } = self.taps.track(track)?;
        let (sequence, timestamp) = (packet.sequence, packet.timestamp);
        let packet = rtp_packet(track, *payload_type, negotiated.descriptor, packet)?;
        self.clock.send(now, sequence, timestamp);
        self.runtime.block_on(self.locals[track].write_rtp(packet)).map_err(call_error)
    }

    fn request_key(&mut self, now: Time, track: usize) -> Result<()> {
        self.advance(now)?;
        self.taps.check_key(track)?;
        let ssrc = ssrcs(track).media;
        let remote = self.receiver.events.remotes.lock().unwrap_or_else(PoisonError::into_inner).get(&ssrc).cloned();
        let remote = remote.ok_or_else(|| Error::Call(format!("live: nothing has come of track {track}")))?;
        self.runtime.block_on(remote.write_rtcp(vec![picture_loss(ssrc)])).map_err(call_error)
    }

    /// Waits until then; not at all, when that is over.
    fn advance(&mut self, until: Time) -> Result<()> {
        if until < self.reached {
            return Err(Error::Call("time does not run backwards".into()));
        }
        let at = self.start + Duration::from_nanos(until.0);
        std::thread::sleep(at.saturating_duration_since(present()));
        self.reached = until;
        self.clock.reach(until);
        match [&self.sender, &self.receiver].iter().any(|peer| is_broken(*peer.events.state.borrow())) {
            false => Ok(()),
            true => Err(Error::Call("live: the connection broke".into())),
        }
    }

    fn advance_to_arrival(&mut self, until: Time) -> Result<Time> {
        while self.reached < until && self.lock_arrivals().is_empty() {
            self.advance((self.reached + Duration::from_millis(2)).min(until))?;
        }
        Ok(self.reached)
    }

    fn arrivals(&mut self) -> Vec<Arrival> {
        std::mem::take(&mut self.lock_arrivals())
    }
}

/// The real clock; the only one in a call.
#[expect(clippy::disallowed_methods, reason = "a live call runs in real time")]
fn present() -> Instant {
    Instant::now()
}

/// "Disconnected" is not broken: a machine that stood still for some seconds comes back from it.
fn is_broken(state: RTCPeerConnectionState) -> bool {
    matches!(state, RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed)
}

struct Peer {
    connection: Box<dyn PeerConnection>,
    events: Arc<Events>,
}

impl Peer {
    async fn new(
        tracks: &[TrackSpec],
        notes: &Notes,
        reports: VirtualReports,
        netem: NetemStage,
        clock: &Clock,
    ) -> Result<Peer> {
        let (media, settings, registry) = Endpoint::parts(tracks, notes, reports, netem)?;
        let events = Arc::new(Events {
            clock: clock.clone(),
            notes: notes.clone(),
            state: watch::Sender::new(RTCPeerConnectionState::New),
            gathering: watch::Sender::new(RTCIceGatheringState::New),
            arrivals: Arc::default(),
            descriptors: Arc::default(),
            remotes: Arc::default(),
        });
        let connection = PeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(media)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .with_handler(events.clone())
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build()
            .await
            .map_err(call_error)?;
        Ok(Peer { connection: Box::new(connection), events })
    }

    /// Takes the description as its own, and gives it back with its address in it.
    async fn gathered(&self, description: RTCSessionDescription) -> Result<RTCSessionDescription> {
        self.connection.set_local_description(description).await.map_err(call_error)?;
        let complete = |state: &RTCIceGatheringState| *state == RTCIceGatheringState::Complete;
        // The sender of the states lives as long as `self`: this ends when the state comes.
        let _ = self.events.gathering.subscribe().wait_for(complete).await;
        let gathered = self.connection.local_description().await;
        gathered.ok_or_else(|| Error::Call("live: no local description".into()))
    }

    async fn connected(&self) -> Result<()> {
        let settled = |state: &RTCPeerConnectionState| *state == RTCPeerConnectionState::Connected || is_broken(*state);
        match self.events.state.subscribe().wait_for(settled).await.as_deref() {
            Ok(RTCPeerConnectionState::Connected) => Ok(()),
            _ => Err(Error::Call("live: ICE or DTLS failed on 127.0.0.1".into())),
        }
    }
}

/// What a peer tells of itself.
struct Events {
    clock: Clock,
    notes: Notes,
    state: watch::Sender<RTCPeerConnectionState>,
    gathering: watch::Sender<RTCIceGatheringState>,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    /// The number of the descriptor's header extension for each track, once it is agreed on.
    descriptors: Arc<OnceLock<Vec<Option<u8>>>>,
    /// By SSRC.
    remotes: Arc<Mutex<BTreeMap<u32, Arc<dyn TrackRemote>>>>,
}

/// The trait's async methods by their real signatures; none of them waits.
type Done<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl PeerConnectionEventHandler for Events {
    fn on_ice_gathering_state_change<'a, 'b>(&'a self, state: RTCIceGatheringState) -> Done<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        self.gathering.send_replace(state);
        Box::pin(std::future::ready(()))
    }

    fn on_connection_state_change<'a, 'b>(&'a self, state: RTCPeerConnectionState) -> Done<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        self.state.send_replace(state);
        Box::pin(std::future::ready(()))
    }

    fn on_track<'a, 'b>(&'a self, track: Arc<dyn TrackRemote>) -> Done<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        let (clock, notes, arrivals) = (self.clock.clone(), self.notes.clone(), self.arrivals.clone());
        let (descriptors, remotes) = (self.descriptors.clone(), self.remotes.clone());
        tokio::spawn(async move {
            for ssrc in track.ssrcs().await {
                remotes.lock().unwrap_or_else(PoisonError::into_inner).insert(ssrc, track.clone());
            }
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let at = clock.time(present()).unwrap_or(Time::ZERO);
                    let descriptors = descriptors.get().map(Vec::as_slice).unwrap_or_default();
                    let arrival = arrival(at, packet, descriptors, &notes);
                    arrivals.lock().unwrap_or_else(PoisonError::into_inner).extend(arrival);
                }
            }
        });
        Box::pin(std::future::ready(()))
    }
}
