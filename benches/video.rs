//! What video codecs cost: 30 pictures of 640x360 per iteration, so that elements per second are pictures per second; then
//! what the path costs without them, in calls of 10 s. Time is that of the processor, all threads together, so that a busy
//! machine matters less.

use codecbench::call;
use codecbench::codec::{
    Codec, Coded, Decoder, Delay, Encoder, Feedback, Input, Observed, Parameters, Request, Settings, Unit, VIDEO,
};
use codecbench::error::Result;
use codecbench::media::{Clip, Content, Footage, FrameRate, Picture, PictureFormat};
use codecbench::plan::Case;
use codecbench::units::{Bitrate, Seed, Time};
use cpu_time::ProcessTime;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = codecs, path
}
criterion_main!(benches);

const FORMAT: PictureFormat = PictureFormat { width: 640, height: 360, rate: FrameRate::new(30, 1) };
const PICTURES: u64 = 30;

/// Encode and decode per codec at 500 kbit/s: each speed with one layer, and the usual speed with three.
fn codecs(c: &mut Criterion<CpuTime>) {
    let pictures: Vec<Picture> = (0..PICTURES).map(picture).collect();
    let mut group = c.benchmark_group("video 640x360");
    group.throughput(Throughput::Elements(PICTURES));
    for codec in VIDEO {
        for (label, complexity, layers) in [
            ("the usual speed", None, 1),
            ("3 layers", None, 3),
            ("complexity 0", Some(0), 1),
            ("complexity 5", Some(5), 1),
            ("complexity 10", Some(10), 1),
        ] {
            let bitrate = Some(Bitrate(500_000));
            let request = Request { bitrate, complexity, layers: Some(layers), ..Request::default() };
            let settings = (codec.configure)(&request, &FORMAT).expect("a setting that all codecs take");
            let name = format!("{} {label}", codec.name);
            let units = encode(&settings, &pictures);
            group.bench_function(format!("encode/{name}"), |b| {
                b.iter(|| encode(&settings, black_box(&pictures)));
            });
            // Speed changes little in the decoder.
            if complexity.is_none() {
                group.bench_function(format!("decode/{name}"), |b| b.iter(|| decode(&settings, black_box(&units))));
            }
        }
    }
    group.finish();
}

const CALL: usize = 300;

/// Calls of 10 s whose encoder replays what was coded before, and whose decoder shows grey: what is left is the path, from
/// the packets of a payload format to the frames that are on show.
fn path(c: &mut Criterion<CpuTime>) {
    let few: Vec<Picture> = (0..PICTURES).map(picture).collect();
    let pictures: Vec<Picture> = few.iter().chain(few.iter().rev()).cycle().take(CALL).cloned().collect();
    let request =
        Request { bitrate: Some(Bitrate(500_000)), repair: "nack".parse().expect("a repair"), ..Request::default() };
    let clip = Arc::new(Clip::video("disc", Content::Camera, Footage { format: FORMAT, pictures: pictures.clone() }));
    let mut group = c.benchmark_group("path of a video call");
    group.throughput(Throughput::Elements(CALL as u64));
    for codec in VIDEO {
        let settings = (codec.configure)(&request, &FORMAT).expect("a setting that all codecs take");
        let units = Arc::new(encode(&settings, &pictures));
        let replayed = Settings { parameters: Arc::new(Replayed(units)), ..settings };
        *REPLAYED.lock().unwrap_or_else(PoisonError::into_inner) = Some(replayed);
        let replayed: &Codec<Picture> = Box::leak(Box::new(Codec { configure: replay, ..**codec }));
        for net in ["delay 25ms", "delay 25ms 5ms loss 5% burst 3"] {
            let case = Case {
                request: request.clone(),
                receiver: "adaptive".parse().expect("a receiver"),
                ..Case::new(clip.clone(), replayed, net.parse().expect("a network"), Seed(1))
            };
            let rendered = call::video::talk(&case).expect("a call").renders().len();
            assert!(rendered > CALL * 8 / 10, "{} over {net}: {rendered} pictures", codec.name);
            group.bench_function(format!("{} over {net}", codec.name), |b| b.iter(|| call::video::talk(&case)));
        }
    }
    group.finish();
}

/// What [`replay`] gives back: it is a plain function, which holds nothing.
static REPLAYED: Mutex<Option<Settings<Picture>>> = Mutex::new(None);

fn replay(_: &Request, _: &PictureFormat) -> Result<Settings<Picture>> {
    let settings = REPLAYED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(settings.expect("set before the call"))
}

/// The coded pictures.
#[derive(Debug)]
struct Replayed(Arc<Vec<Unit>>);

impl Parameters<Picture> for Replayed {
    fn encoder(&self, _: &Settings<Picture>) -> Result<Box<dyn Encoder<Picture>>> {
        Ok(Box::new(Replay { coded: self.0.clone(), next: 0, round: 0 }))
    }

    fn decoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Decoder<Picture>>> {
        Ok(Box::new(Grey(Picture::grey(settings.format.width, settings.format.height, 90))))
    }

    fn observe(&self, _: &Settings<Picture>, _: &[Unit]) -> Observed {
        Observed::default()
    }

    fn delay(&self, _: &Settings<Picture>) -> Delay {
        Delay::default()
    }
}

/// Gives out the coded pictures one by one, and from the first on again when a key picture is wanted or all are out.
struct Replay {
    coded: Arc<Vec<Unit>>,
    /// Numbers of the next picture, and of the one that this round began with.
    next: u64,
    round: u64,
}

impl Encoder<Picture> for Replay {
    fn encode(&mut self, pts: Time, _: &Picture, out: &mut Vec<Unit>) -> Result<()> {
        if self.next - self.round == CALL as u64 {
            self.round = self.next;
        }
        let (round, place) = (self.round, self.next - self.round);
        self.next += 1;
        for unit in self.coded.iter() {
            let Some(picture) = unit.picture.as_ref().filter(|picture| picture.id == place) else { continue };
            let depends_on = picture.depends_on.iter().map(|id| id + round).collect();
            let picture = Some(Coded { id: picture.id + round, depends_on, ..picture.clone() });
            out.push(Unit { data: unit.data.clone(), pts, duration: unit.duration, picture });
        }
        Ok(())
    }

    fn adapt(&mut self, feedback: Feedback) -> Result<()> {
        if feedback.key_wanted {
            self.round = self.next;
        }
        Ok(())
    }
}

struct Grey(Picture);

impl Decoder<Picture> for Grey {
    fn decode(&mut self, _: Input<'_>, out: &mut Footage) -> Result<()> {
        out.pictures.push(self.0.clone());
        Ok(())
    }
}

struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = ProcessTime;
    type Value = Duration;

    fn start(&self) -> ProcessTime {
        ProcessTime::now()
    }

    fn end(&self, start: ProcessTime) -> Duration {
        start.elapsed()
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn encode(settings: &Settings<Picture>, pictures: &[Picture]) -> Vec<Unit> {
    let mut encoder = settings.encoder().expect("configured");
    let mut units = Vec::new();
    for (i, picture) in pictures.iter().enumerate() {
        encoder.encode(Time::ZERO + FORMAT.rate.at(i), picture, &mut units).expect("encodes");
    }
    units
}

fn decode(settings: &Settings<Picture>, units: &[Unit]) -> Footage {
    let mut decoder = settings.decoder().expect("configured");
    let mut out = Footage::new(settings.format);
    for unit in units {
        decoder.decode(Input::Unit(&unit.data), &mut out).expect("decodes");
    }
    out
}

/// A textured ground that pans, a disc that moves over it, and a little noise.
fn picture(index: u64) -> Picture {
    let time = index as f64 / 30.0;
    let mut rng = Seed(index).stream("noise");
    let mut data = Vec::with_capacity(FORMAT.bytes());
    let (cx, cy) = (0.5 + 0.3 * (time * 1.3).sin(), 0.5 + 0.2 * (time * 1.7).cos());
    for (plane, scale) in [1, 2, 2].into_iter().enumerate() {
        let (width, height) = (FORMAT.width / scale, FORMAT.height / scale);
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let disc = (u - cx).powi(2) + ((v - cy) * 0.56).powi(2) < 0.02;
            let value = match (plane, disc) {
                (0, false) => {
                    110.0 + 40.0 * (40.0 * (u + 0.05 * time)).sin() * (30.0 * v).cos() + 20.0 * (90.0 * (u + v)).sin()
                }
                (0, true) => 180.0 + 20.0 * (60.0 * v).sin(),
                (_, false) => 128.0 + 15.0 * (5.0 * u).sin(),
                (_, true) => 100.0,
            };
            data.push((value + (rng.bits() % 5) as f64 - 2.0) as u8);
        }
    }
    Picture::new(FORMAT.width, FORMAT.height, data).expect("as large as its planes")
}
