//! What must hold of every chart, for the tests of reports.

use codecbench::report::chart::Chart;
use codecbench::report::chart::canvas::scene::Rect;

/// No text touches another, none leaves its chart, in both of its shapes.
pub fn assert_legible(chart: &Chart) {
    for scene in [&chart.wide, &chart.narrow] {
        let page = Rect { left: 0.0, top: 0.0, right: scene.width, bottom: scene.height };
        let boxes: Vec<_> = scene.texts().map(|w| (w.bounds(), &w.text)).collect();
        for (i, (a, text)) in boxes.iter().enumerate() {
            assert!(page.contains(a), "'{text}' leaves {} {}", chart.name, scene.width);
            for (b, other) in &boxes[..i] {
                assert!(!a.overlaps(b), "'{text}' on '{other}' in {} {}", chart.name, scene.width);
            }
        }
    }
}
