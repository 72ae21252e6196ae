//! Pure functions from values to positions in a chart.

/// A linear mapping from values to positions.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    from: f64,
    factor: f64,
    start: f64,
}

impl Scale {
    /// Maps `from..to` onto `start..end`.
    pub(crate) fn new(from: f64, to: f64, start: f64, end: f64) -> Self {
        let wide = to - from;
        Self { from, factor: if wide == 0.0 { 0.0 } else { (end - start) / wide }, start }
    }

    pub(crate) fn at(self, value: f64) -> f64 {
        self.start + (value - self.from) * self.factor
    }
}

/// Returns the SVG path of a line through the points.
pub(crate) fn line(points: &[(i64, f64)], x: Scale, y: Scale) -> String {
    let mut path = String::new();
    for (n, (at, value)) in points.iter().enumerate() {
        path.push_str(&format!("{}{:.1} {:.1}", if n == 0 { "M" } else { "L" }, x.at(*at as f64), y.at(*value)));
    }
    path
}

/// Returns round values from zero to at least `most`, in about `count` steps of 1, 2 or 5 times a power of ten.
pub(crate) fn ticks(most: f64, count: usize) -> Vec<f64> {
    if most.is_nan() || most <= 0.0 || most.is_infinite() {
        return vec![0.0, 1.0];
    }
    let raw = most / count as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= raw * 0.999).unwrap_or(10.0 * power);
    let steps = (most / step - 0.001).ceil().max(1.0) as usize;
    (0..=steps).map(|n| n as f64 * step).collect()
}

/// Returns the power of 1024 in which to show a number of bytes.
pub(crate) fn binary_unit(most: f64) -> f64 {
    let mut unit = 1.0;
    while most / unit >= 1024.0 {
        unit *= 1024.0;
    }
    unit
}

/// Formats milliseconds as seconds or minutes.
pub(crate) fn span(millis: i64) -> String {
    let seconds = millis / 1000;
    if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds / 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_largest_value() {
        assert_eq!(ticks(1.0, 4), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(7.3, 4), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(0.0, 4), [0.0, 1.0]);
        assert_eq!(ticks(f64::NAN, 4), [0.0, 1.0]);
        assert_eq!(binary_unit(3.0 * 1024.0 * 1024.0), 1024.0 * 1024.0);
        for most in [0.013, 3.0, 99.0, 1e9] {
            let all = ticks(most, 4);
            assert!(*all.last().unwrap() >= most * 0.999 && all.len() <= 7, "{most}: {all:?}");
        }
    }

    #[test]
    fn a_line_runs_from_its_first_point_to_its_last() {
        let (x, y) = (Scale::new(0.0, 10.0, 0.0, 100.0), Scale::new(0.0, 1.0, 50.0, 0.0));
        assert_eq!(line(&[(0, 0.0), (10, 1.0)], x, y), "M0.0 50.0L100.0 0.0");
        assert_eq!(line(&[], x, y), "");
    }
}
