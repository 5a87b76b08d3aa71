//! What a network does to packets over time: their delay above, the share that is lost below.

use super::canvas::axis::Axis;
use super::canvas::palette::Ink;
use super::canvas::panel::{Heading, Panel, Shape, Size, page};
use super::canvas::scene::{Mark, Rect, Scene};
use crate::net::survey::Packet;

/// Up to so many packets each has its own dot; beyond, columns of time have a range and a median.
const DOTS: usize = 3000;

/// The least columns of time; a pixel or two wide each.
const COLUMNS: usize = 400;

/// Draws packets in the order in which they were sent. `title` says what is seen, `subtitle` of what network.
pub fn draw(packets: &[Packet], title: &str, subtitle: &str) -> Scene {
    let columns = COLUMNS.min(packets.len().max(1));
    let each = if packets.len() <= DOTS { "a dot per packet" } else { "median, and all from least to most" };
    let heading = Heading {
        title: title.to_owned(),
        subtitle: subtitle.to_owned(),
        footnote: format!("codecbench {} · delay: {each}; lost: share per column of time", env!("CARGO_PKG_VERSION")),
    };
    let (mut scene, body) = page(Size::Wide, &heading, None);
    let lane = (body.bottom - body.top) * 0.3;
    let end = packets.last().map_or(0.0, |p| p.sent.as_ms()).max(20.0);
    // Whole figures for every length.
    let (unit, per_unit) = if end < 5000.0 { ("sent, ms", 1.0) } else { ("sent, s", 1e3) };
    let x = || Axis::linear(unit, [], Some((0.0, end / per_unit)));

    let delays = packets.iter().filter_map(Packet::delay);
    let y = Axis::linear("delay, ms", delays.chain([0.0, 10.0]), None);
    let above = Rect { bottom: body.bottom - lane, ..body };
    let upper = Panel::draw(&mut scene, above, "", x(), y, Shape::default());
    let shares: Vec<f64> = split(packets, columns).map(lost_percent).collect();
    let most = shares.iter().copied().fold(0.0, f64::max);
    let most = [5.0, 10.0, 20.0, 50.0].into_iter().find(|m| most <= *m).unwrap_or(100.0);
    let y = Axis::linear("lost, %", [], Some((0.0, most))).with_ticks([0.0, most / 2.0, most]);
    let below = Rect { top: body.bottom - lane + 8.0, ..body };
    let lower = Panel::draw(&mut scene, below, "", x(), y, Shape::default());

    match packets.len() <= DOTS {
        true => dots(&mut scene, &upper, packets, per_unit),
        false => ranges(&mut scene, &upper, packets, columns),
    }
    let width = (lower.plot.right - lower.plot.left) / columns as f64;
    for (n, share) in shares.iter().enumerate().filter(|(_, s)| **s > 0.0) {
        let left = lower.plot.left + width * n as f64;
        let bar = Rect {
            left,
            // A bar that is narrower than a pixel would be none.
            right: left + width.max(1.0),
            top: lower.at(0.0, *share).1.min(lower.plot.bottom - 1.0),
            bottom: lower.plot.bottom,
        };
        scene.fill(bar, Ink::Series(1));
    }
    scene
}

fn dots(scene: &mut Scene, panel: &Panel, packets: &[Packet], per_unit: f64) {
    for packet in packets {
        if let Some(delay) = packet.delay() {
            let at = panel.at(packet.sent.as_ms() / per_unit, delay);
            scene.marks.push(Mark::Dot { at, radius: 1.3, ink: Ink::Series(0) });
        }
    }
}

/// Columns in which nothing arrived are left empty.
fn ranges(scene: &mut Scene, panel: &Panel, packets: &[Packet], columns: usize) {
    let mut medians = Vec::new();
    let width = (panel.plot.right - panel.plot.left) / columns as f64;
    for (n, column) in split(packets, columns).enumerate() {
        let mut delays: Vec<f64> = column.iter().filter_map(Packet::delay).collect();
        delays.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (delays.first(), delays.last()) else {
            path(scene, std::mem::take(&mut medians));
            continue;
        };
        let left = panel.plot.left + width * n as f64;
        let y = |delay: &f64| panel.at(0.0, *delay).1;
        let area = Rect { left, right: left + width, top: y(most).min(y(least) - 1.0), bottom: y(least) };
        let corners =
            [(area.left, area.top), (area.right, area.top), (area.right, area.bottom), (area.left, area.bottom)];
        scene.area(corners.to_vec(), Ink::Series(0), 0.3);
        medians.push((left + width / 2.0, y(&delays[delays.len() / 2])));
    }
    path(scene, medians);
}

fn path(scene: &mut Scene, points: Vec<(f64, f64)>) {
    if points.len() > 1 {
        scene.line(points, Ink::Series(0), 1.4, 1.0);
    }
}

/// So many parts, as equal as can be; `columns` is not more than there are packets, or one.
fn split(packets: &[Packet], columns: usize) -> impl Iterator<Item = &[Packet]> {
    (0..columns).map(move |n| &packets[packets.len() * n / columns..packets.len() * (n + 1) / columns])
}

fn lost_percent(packets: &[Packet]) -> f64 {
    let lost = packets.iter().filter(|p| p.arrivals.is_empty()).count();
    100.0 * lost as f64 / packets.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::survey::survey;
    use crate::units::Seed;

    fn chart(words: &str, packets: u64) -> Scene {
        draw(&survey(&words.parse().unwrap(), packets, Seed(1)), "Title", words)
    }

    #[test]
    fn every_packet_is_seen_and_words_do_not_touch() {
        for (words, packets) in [("delay 40ms 20ms loss 5%", 1000), ("none", 0), ("loss 100%", 1), ("delay 1s", 20_000)]
        {
            let scene = chart(words, packets);
            let boxes: Vec<Rect> = scene.texts().map(|w| w.bounds()).collect();
            let page = Rect { left: 0.0, top: 0.0, right: scene.width, bottom: scene.height };
            for (n, a) in boxes.iter().enumerate() {
                assert!(page.contains(a), "{words}: {a:?}");
                assert!(boxes[..n].iter().all(|b| !a.overlaps(b)), "{words}: {:?}", scene.texts().nth(n));
            }
            assert!(
                scene.texts().any(|w| w.text == "delay, ms") && scene.texts().any(|w| w.text.starts_with("sent, "))
            );
            assert!(scene.texts().any(|w| w.text == "lost, %"));
        }
        let dots = |s: &Scene| s.marks.iter().filter(|m| matches!(m, Mark::Dot { .. })).count();
        let lost = survey(&"delay 40ms loss 5%".parse().unwrap(), 1000, Seed(1));
        let lost = lost.iter().filter(|p| p.arrivals.is_empty()).count();
        assert_eq!(dots(&chart("delay 40ms loss 5%", 1000)), 1000 - lost);
    }
}
