//! Trained networks, run by `rten` on one thread.

use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::model;
use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use std::fmt::Display;
use std::sync::{Arc, OnceLock};

/// A model file, loaded once per process when it is first asked for.
pub(super) struct Network {
    file: &'static str,
    loaded: OnceLock<Result<Model, String>>,
}

impl Network {
    pub const fn new(file: &'static str) -> Network {
        Network { file, loaded: OnceLock::new() }
    }

    /// Lets `infer` run the network.
    ///
    /// Cases run in parallel, so one inference keeps to one thread. It is a thread of its own, not the caller's: a worker
    /// of the pool that runs the cases would begin another case while it waited for the pool that runs the network.
    ///
    /// # Errors
    /// The model is not fetched, not a model, or refuses its input.
    pub fn run<T: Send>(
        &self,
        metric: &'static str,
        infer: impl FnOnce(&Runner<'_>) -> Result<T, String> + Send,
    ) -> Result<T> {
        let failed = |reason: String| Error::Metric { metric, reason };
        let load = || Model::load(model::read(self.file).map_err(|e| e.to_string())?).map_err(|e| e.to_string());
        let model = self.loaded.get_or_init(load).as_ref().map_err(|reason| failed(reason.clone()))?;
        let pool = Some(Arc::new(ThreadPool::with_num_threads(1)));
        let runner = Runner { model, options: RunOptions::default().with_thread_pool(pool) };
        let inferred = std::thread::scope(|scope| scope.spawn(move || infer(&runner)).join());
        match inferred {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(reason)) => Err(failed(reason)),
            Err(_) => Err(failed(format!("the inference of {} broke down", self.file))),
        }
    }
}

/// A model and how to run it. Errors are the texts of `rten`.
pub(super) struct Runner<'a> {
    model: &'a Model,
    options: RunOptions,
}

impl Runner<'_> {
    /// The input of that name, of that shape.
    pub fn input(&self, name: &str, shape: &[usize], numbers: Vec<f32>) -> Result<(NodeId, Value), String> {
        let value = Value::from_shape(shape, numbers).map_err(text)?;
        Ok((self.model.node_id(name).map_err(text)?, value))
    }

    /// What can be computed of the first output from these inputs alone.
    pub fn partly(&self, inputs: &[(NodeId, Value)]) -> Result<Vec<(NodeId, Value)>, String> {
        let outputs = &self.model.output_ids()[..1];
        self.model.partial_run(views(inputs), outputs, Some(self.options.clone())).map_err(text)
    }

    /// The numbers of the first output, which has `RANK` dimensions.
    pub fn output<const RANK: usize>(&self, inputs: &[(NodeId, Value)]) -> Result<Vec<f32>, String> {
        let outputs = &self.model.output_ids()[..1];
        let values = self.model.run(views(inputs), outputs, Some(self.options.clone())).map_err(text)?;
        let first = values.into_iter().next().ok_or("the model has no output")?;
        Ok(first.into_shape_vec::<f32, RANK>().map_err(text)?.1)
    }
}

fn views(inputs: &[(NodeId, Value)]) -> Vec<(NodeId, ValueOrView<'_>)> {
    inputs.iter().map(|(id, value)| (*id, value.into())).collect()
}

fn text(e: impl Display) -> String {
    e.to_string()
}

/// The networks were trained on stretches of about 10 s; of less than this they say nothing.
const LEAST_SECONDS: u32 = 1;
/// The rate at which they hear.
const RATE: u32 = 16_000;

/// The mono mix at 16 kHz, full scale at 1.
///
/// # Errors
/// Too short, or silent.
pub(super) fn heard(metric: &'static str, degraded: &Pcm) -> Result<Vec<f32>> {
    let failed = |reason: String| Error::Metric { metric, reason };
    let samples = crate::metric::api::mono_at(degraded, RATE)?;
    if samples.iter().all(|s| *s == 0) {
        return Err(failed("the degraded signal is silent".into()));
    }
    if samples.len() < (LEAST_SECONDS * RATE) as usize {
        return Err(failed(format!("the degraded signal is shorter than {LEAST_SECONDS} s")));
    }
    Ok(samples.iter().map(|s| f32::from(*s) / 32_768.0).collect())
}
