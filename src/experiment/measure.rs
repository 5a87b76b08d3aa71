//! What is measured of the settings of a plan besides its cases: CPU time on this machine, algorithmic delay, and where
//! their codecs lie over bitrate and delay. Each once: what the store has is not measured again.

use super::cases::threads;
use super::media::Run;
use crate::cost::{self, Cost};
use crate::error::Result;
use crate::latency::{self, Footprint, Probe, SettingDelay};
use crate::media::Media;
use crate::plan::{Plan, Setting};
use crate::store::{Measurement, Store};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// So many codecs are worth a chart of where each lies.
pub(super) const COMPARED: usize = 3;

/// Measures what each setting costs on the plan's first clip, one after the other, unless this machine has done so
/// before. `alone` measures one.
///
/// # Errors
/// The store cannot be read or written. A setting that cannot be measured has no cost; its cases have the reason.
pub fn costs<M: Media>(
    plan: &Plan<M>,
    store: &mut Store,
    stop: &AtomicBool,
    alone: impl Fn(&Setting<M>) -> Result<Cost>,
    mut progress: impl FnMut(&Setting<M>),
) -> Result<()> {
    let Some(clip) = plan.clips.first() else { return Ok(()) };
    for setting in plan.settings.iter().take_while(|_| !stop.load(Ordering::Relaxed)) {
        let key = cost::key(setting, clip);
        let known = store.measured(&key)?;
        if known.is_none() {
            progress(setting);
        }
        if let Some(cost) = known.or_else(|| alone(setting).ok()) {
            store.write_measured::<Cost>(&setting.label, &key, &cost)?;
        }
    }
    Ok(())
}

/// Measures the algorithmic delay of each setting of audio on `jobs` threads; it depends on no machine.
///
/// # Errors
/// The store cannot be read or written.
pub fn delays<M: Run>(plan: &Plan<M>, store: &mut Store, jobs: usize, stop: &AtomicBool) -> Result<()> {
    let probes = probes(plan);
    let keys = probes.iter().map(|(label, probe)| (*label, probe.key())).collect();
    let each = probes.iter().map(|(_, probe)| (probe.key(), probe)).collect();
    once::<_, Option<SettingDelay>>(store, jobs, stop, keys, each, Probe::measure)
}

/// Measures where the codecs of audio of the plan lie, on `jobs` threads, if there are three or more to compare.
///
/// # Errors
/// The store cannot be read or written.
pub fn footprints<M: Run>(plan: &Plan<M>, store: &mut Store, jobs: usize, stop: &AtomicBool) -> Result<()> {
    let probes = probes(plan);
    let codecs: BTreeSet<&str> = probes.iter().map(|(_, probe)| probe.codec.name).collect();
    if codecs.len() < COMPARED {
        return Ok(());
    }
    let keys = probes.iter().map(|(label, probe)| (*label, latency::footprint_key(probe.codec))).collect();
    let each = probes.iter().map(|(_, probe)| (latency::footprint_key(probe.codec), probe.codec)).collect();
    once::<_, Vec<Footprint>>(store, jobs, stop, keys, each, latency::footprints)
}

fn probes<M: Run>(plan: &Plan<M>) -> Vec<(&str, Probe)> {
    let Some(clip) = plan.clips.first() else { return Vec::new() };
    plan.settings.iter().filter_map(|s| Some((s.label.as_str(), M::probe(s, clip)?))).collect()
}

/// Measures `each` that the store does not have under its key, and links the settings to what is there.
fn once<T: Copy + Send + Sync, R: Measurement + Send>(
    store: &mut Store,
    jobs: usize,
    stop: &AtomicBool,
    keys: Vec<(&str, String)>,
    each: BTreeMap<String, T>,
    measure: impl Fn(T) -> R + Sync,
) -> Result<()> {
    let (mut known, mut open) = (BTreeMap::new(), Vec::new());
    for (key, of) in each {
        match store.measured::<R>(&key)? {
            Some(found) => _ = known.insert(key, found),
            None => open.push((key, of)),
        }
    }
    let measured: Vec<(String, R)> = threads(jobs)?.install(|| {
        let going = |_: &(String, T)| !stop.load(Ordering::Relaxed);
        open.into_par_iter().filter(going).map(|(key, of)| (key, measure(of))).collect()
    });
    known.extend(measured);
    keys.iter()
        .try_for_each(|(label, key)| known.get(key).map_or(Ok(()), |found| store.write_measured(label, key, found)))
}
