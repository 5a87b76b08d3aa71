//! What coded pictures show of themselves, whatever the codec: their rate, layers and quantisers.

use crate::codec::api::{Coded, ObservedPictures, Settings, Unit};
use crate::media::Picture;

/// Rate, layers, key pictures and quantiser of the pictures in `units`; what stands in headers is left open.
pub(super) fn pictures(settings: &Settings<Picture>, units: &[Unit]) -> ObservedPictures {
    let span = units.first().zip(units.last()).map(|(first, last)| (last.pts + last.duration).since(first.pts));
    let coded: Vec<&Coded> = units.iter().filter_map(|unit| unit.picture.as_ref()).collect();
    let quantisers: Vec<f64> = coded.iter().filter_map(|picture| picture.qp).map(f64::from).collect();
    ObservedPictures {
        profile: None,
        level: None,
        size: None,
        frame_rate: span.map_or(0.0, |span| units.len() as f64 / span.as_secs_f64().max(settings.frame.as_secs_f64())),
        layers: coded.iter().map(|picture| picture.layer.saturating_add(1)).max().unwrap_or(1),
        key_frames: coded.iter().filter(|picture| picture.key).count() as u32,
        qp: (!quantisers.is_empty()).then(|| quantisers.iter().sum::<f64>() / quantisers.len() as f64),
    }
}
