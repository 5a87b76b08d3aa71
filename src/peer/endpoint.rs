//! One peer: its connection, its address, and how it is driven.

use crate::error::Result;
use crate::peer::wire::{NetemStage, Protection};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::{ReceiverReportBuilder, Registry, SenderReportBuilder, Slot, TwccSenderBuilder};
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::configure_twcc_receiver_only;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::{SettingEngine, SettingEngineBuilder};
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::RTCRtpHeaderExtensionCapability;
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use std::net::SocketAddr;
use std::time::Instant;

use super::repair::{self, notes::Notes};
use super::rtcp::VirtualReports;
use super::stage::Staged;
use super::streams::Streams;
use super::track::{DESCRIPTOR_URI, Kind, TrackSpec, call_error};

/// What browsers settle on, and what it adds to a packet.
const PROFILE: (SrtpProtectionProfile, Protection) =
    (SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80, Protection::AES_CM_SHA1_80);

/// How many packets late a packet may be and still be taken. As browsers have it; the 64 of `rtc` would turn heavy
/// jitter with short frames into loss.
const REPLAY_WINDOW: usize = 1024;

/// A peer connection whose datagrams all come from and go to one other.
///
/// Whoever touches `connection` says so by [`Endpoint::connection`]; a peer that nobody touched has nothing new to say
/// and is not asked, for each question goes through all its layers.
pub(super) struct Endpoint {
    connection: RTCPeerConnection,
    address: SocketAddr,
    state: RTCPeerConnectionState,
    /// There may be datagrams to send.
    busy: bool,
    /// Its timer may have changed, and there may be events.
    touched: bool,
    timer: Option<Instant>,
}

impl Endpoint {
    pub(super) fn protection() -> Protection {
        PROFILE.1
    }

    /// What makes a peer that knows the tracks' codecs, and what is done against their loss: the same in virtual time and
    /// on sockets.
    pub(super) fn parts(
        tracks: &[TrackSpec],
        notes: &Notes,
        reports: VirtualReports,
        netem: NetemStage,
    ) -> Result<(MediaEngine, SettingEngine, Registry)> {
        let mut media = MediaEngine::default();
        for track in tracks {
            media.register_codec(track.codec(), track.kind.of_codec()).map_err(call_error)?;
        }
        // Against loss only what was asked for: browsers have nothing of it for audio. No pacer: browsers have none for
        // audio, and that of video is the sending application's. No jitter buffer either: that of `rtc` 0.21.1 drops audio
        // every 10 s, and playout is the receiving application's work.
        let registry = repair::install(tracks, notes, &mut media, Registry::new())?;
        let mut registry = configure_twcc_receiver_only(registry, &mut media)
            .map_err(call_error)?
            .with(Slot::TwccSender, Staged::new(Streams::with_repair(TwccSenderBuilder::new().build())))
            .with(VirtualReports::slot(), Staged::new(reports))
            .with(NetemStage::slot(), Staged::new(netem));
        for (i, track) in tracks.iter().enumerate() {
            let interval = track.kind.report_interval();
            let receives = ReceiverReportBuilder::new().with_interval(interval).build();
            let sends = SenderReportBuilder::new().with_interval(interval).build();
            registry = registry
                .with(Slot::from(usize::from(Slot::ReceiverReport) + i), Staged::new(Streams::only(i, receives)))
                .with(Slot::from(usize::from(Slot::SenderReport) + i), Staged::new(Streams::only(i, sends)));
        }
        if tracks.iter().any(|track| track.kind == Kind::Video) {
            let descriptor = RTCRtpHeaderExtensionCapability { uri: DESCRIPTOR_URI.into() };
            media.register_header_extension(descriptor, Kind::Video.of_codec(), None).map_err(call_error)?;
        }
        let settings = SettingEngineBuilder::new()
            .with_srtp_protection_profiles(vec![PROFILE.0])
            .with_srtp_replay_protection_window(REPLAY_WINDOW)
            .with_srtcp_replay_protection_window(REPLAY_WINDOW)
            // Addresses are told as they are: nobody listens on port 5353 for names.
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .build();
        Ok((media, settings, registry))
    }

    /// A peer that knows the tracks' codecs. `address` is made up; it stands in ICE candidates.
    pub(super) fn new(
        now: Instant,
        address: SocketAddr,
        tracks: &[TrackSpec],
        notes: &Notes,
        reports: VirtualReports,
        netem: NetemStage,
    ) -> Result<Endpoint> {
        let (media, settings, registry) = Endpoint::parts(tracks, notes, reports, netem)?;
        let mut connection = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_media_engine(media)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .build(now)
            .map_err(call_error)?;
        let host = CandidateHostConfig {
            base_config: CandidateConfig {
                network: "udp".to_owned(),
                address: address.ip().to_string(),
                port: address.port(),
                component: 1,
                ..Default::default()
            },
            ..Default::default()
        };
        let candidate =
            host.new_candidate_host().and_then(|c| RTCIceCandidate::from(&c).to_json()).map_err(call_error)?;
        connection.add_local_candidate(candidate).map_err(call_error)?;
        Ok(Endpoint { connection, address, state: RTCPeerConnectionState::New, busy: true, touched: true, timer: None })
    }

    /// The connection, to do something with it.
    pub(super) fn connection(&mut self) -> &mut RTCPeerConnection {
        (self.busy, self.touched) = (true, true);
        &mut self.connection
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state == RTCPeerConnectionState::Connected
    }

    /// When it wants to be woken.
    pub(super) fn timer(&mut self) -> Option<Instant> {
        self.look();
        self.timer
    }

    /// Wakes it if its timer is due. Says whether it was.
    pub(super) fn wake(&mut self, now: Instant) -> Result<bool> {
        let due = self.timer().is_some_and(|at| at <= now);
        if due {
            self.connection().handle_timeout(now).map_err(call_error)?;
        }
        Ok(due)
    }

    /// The next datagram to put on the wire.
    pub(super) fn transmit(&mut self) -> Option<TaggedBytesMut> {
        let datagram = if self.busy { self.connection.poll_write() } else { None };
        self.busy = datagram.is_some();
        datagram
    }

    /// Takes a datagram of the other peer.
    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, mut datagram: TaggedBytesMut) -> Result<()> {
        datagram.now = now;
        datagram.transport = TransportContext {
            local_addr: self.address,
            peer_addr: from,
            transport_protocol: TransportProtocol::UDP,
            ecn: None,
        };
        self.connection().handle_read(datagram).map_err(call_error)
    }

    /// The next packet for the application, after [`Endpoint::receive`].
    pub(super) fn read(&mut self) -> Option<RTCMessage> {
        let message = if self.touched { self.connection.poll_read() } else { None };
        message.map(|tagged| tagged.message)
    }

    /// Whether it may have datagrams to send.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Takes note of its timer and of what became of the connection.
    pub(super) fn look(&mut self) {
        if !std::mem::take(&mut self.touched) {
            return;
        }
        while let Some(event) = self.connection.poll_event() {
            // An event that goes up through the layers can make them speak: ICE's success starts DTLS.
            self.busy = true;
            if let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event {
                self.state = state;
            }
        }
        self.timer = self.connection.poll_timeout();
    }
}
