//! Curves through points, piece by piece as cubic polynomials, and their integrals.

/// How the curve runs between the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Monotone piecewise cubics (Fritsch and Butland 1984): no overshoot. The usual choice.
    Pchip,
    /// Akima 1970: piecewise cubics that a single odd point bends only nearby.
    Akima,
    /// One polynomial of degree 3 by least squares: the original of 2001; it may overshoot.
    Cubic,
}

/// Pieces by rising x; piece k holds from its own `start` to the next one's.
pub struct Curve {
    pieces: Vec<Piece>,
    end: f64,
}

/// c0 + c1 s + c2 s^2 + c3 s^3 with s = (x - origin) / scale.
struct Piece {
    start: f64,
    origin: f64,
    scale: f64,
    c: [f64; 4],
}

impl Curve {
    /// Through `points` (x, y), four or more, x strictly rising.
    pub fn through(points: &[(f64, f64)], method: Method) -> Curve {
        let end = points[points.len() - 1].0;
        let pieces = match method {
            Method::Pchip => hermite(points, &monotone_slopes(points)),
            Method::Akima => hermite(points, &akima_slopes(points)),
            Method::Cubic => vec![least_squares(points)],
        };
        Curve { pieces, end }
    }

    pub fn start(&self) -> f64 {
        self.pieces[0].start
    }

    pub fn end(&self) -> f64 {
        self.end
    }

    /// From `low` to `high`, both within the curve.
    pub fn integral(&self, low: f64, high: f64) -> f64 {
        let ends = self.pieces.iter().skip(1).map(|p| p.start).chain([self.end]);
        let part = |(piece, end): (&Piece, f64)| {
            let (from, to) = (piece.start.max(low), end.min(high));
            if from < to { piece.antiderivative(to) - piece.antiderivative(from) } else { 0.0 }
        };
        self.pieces.iter().zip(ends).map(part).sum()
    }
}

impl Piece {
    fn antiderivative(&self, x: f64) -> f64 {
        let s = (x - self.origin) / self.scale;
        let [c0, c1, c2, c3] = self.c;
        self.scale * s * (c0 + s * (c1 / 2.0 + s * (c2 / 3.0 + s * c3 / 4.0)))
    }
}

/// Cubic pieces with these slopes at the points.
fn hermite(points: &[(f64, f64)], slopes: &[f64]) -> Vec<Piece> {
    let piece = |(ends, slopes): (&[(f64, f64)], &[f64])| {
        let ((x0, y0), (x1, y1)) = (ends[0], ends[1]);
        let scale = x1 - x0;
        let (rise, m0, m1) = (y1 - y0, slopes[0] * scale, slopes[1] * scale);
        Piece { start: x0, origin: x0, scale, c: [y0, m0, 3.0 * rise - 2.0 * m0 - m1, m0 + m1 - 2.0 * rise] }
    };
    points.windows(2).zip(slopes.windows(2)).map(piece).collect()
}

/// Width and slope of each interval.
fn secants(points: &[(f64, f64)]) -> (Vec<f64>, Vec<f64>) {
    points.windows(2).map(|w| (w[1].0 - w[0].0, (w[1].1 - w[0].1) / (w[1].0 - w[0].0))).unzip()
}

/// Fritsch and Butland 1984: inside, the harmonic mean of both sides' secants, weighted by their widths, and 0 at a turn;
/// at the ends a one-sided parabola, held to the shape of the data.
fn monotone_slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let (h, d) = secants(points);
    let n = points.len();
    let end = |h0: f64, h1: f64, d0: f64, d1: f64| {
        let slope = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
        if slope * d0 <= 0.0 {
            0.0
        } else if d0 * d1 <= 0.0 && slope.abs() > 3.0 * d0.abs() {
            3.0 * d0
        } else {
            slope
        }
    };
    let inside = |k: usize| {
        if d[k - 1] * d[k] <= 0.0 {
            return 0.0;
        }
        let (w1, w2) = (2.0 * h[k] + h[k - 1], h[k] + 2.0 * h[k - 1]);
        (w1 + w2) / (w1 / d[k - 1] + w2 / d[k])
    };
    let mut slopes = vec![end(h[0], h[1], d[0], d[1])];
    slopes.extend((1..n - 1).map(inside));
    slopes.push(end(h[n - 2], h[n - 3], d[n - 2], d[n - 3]));
    slopes
}

/// Akima 1970: each slope is a mean of both neighbouring secants, each weighted by how much the other side bends; beyond
/// the ends secants go on as a parabola would.
fn akima_slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let (_, d) = secants(points);
    let m = d.len();
    let mut s = vec![0.0; m + 4];
    s[2..m + 2].copy_from_slice(&d);
    s[1] = 2.0 * s[2] - s[3];
    s[0] = 2.0 * s[1] - s[2];
    s[m + 2] = 2.0 * s[m + 1] - s[m];
    s[m + 3] = 2.0 * s[m + 2] - s[m + 1];
    let bend = |k: usize| (s[k + 1] - s[k]).abs();
    let most = (0..=m).map(|k| bend(k + 2) + bend(k)).fold(0.0, f64::max);
    let slope = |k: usize| {
        let (left, right) = (bend(k + 2), bend(k));
        // A straight run on both sides has no weights.
        if left + right > 1e-9 * most {
            (left * s[k + 1] + right * s[k + 2]) / (left + right)
        } else {
            0.5 * (s[k + 1] + s[k + 2])
        }
    };
    (0..=m).map(slope).collect()
}

/// One polynomial of degree 3. Scaled to -1 to 1, where the normal equations of few points are well conditioned.
fn least_squares(points: &[(f64, f64)]) -> Piece {
    let (start, end) = (points[0].0, points[points.len() - 1].0);
    let (origin, scale) = (0.5 * (start + end), 0.5 * (end - start));
    // Rows of the normal equations, the right-hand side last.
    let mut rows = [[0.0; 5]; 4];
    for (x, y) in points {
        let s = (x - origin) / scale;
        for (i, row) in rows.iter_mut().enumerate() {
            for (j, place) in row[..4].iter_mut().enumerate() {
                *place += s.powi((i + j) as i32);
            }
            row[4] += y * s.powi(i as i32);
        }
    }
    // Gauss-Jordan; the matrix is positive definite, so it needs no pivoting.
    for k in 0..4 {
        let pivot = rows[k];
        for (i, row) in rows.iter_mut().enumerate() {
            let factor = if i == k { 0.0 } else { row[k] / pivot[k] };
            row.iter_mut().zip(pivot).for_each(|(v, p)| *v -= factor * p);
        }
    }
    Piece { start, origin, scale, c: std::array::from_fn(|k| rows[k][4] / rows[k][k]) }
}
