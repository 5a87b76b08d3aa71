//! The support-vector regression of audio mode, in libsvm's text format.

/// A nu-SVR with a radial basis function.
pub struct Svr {
    gamma: f64,
    rho: f64,
    /// Coefficient and features.
    vectors: Vec<(f64, Vec<f64>)>,
}

impl Svr {
    /// # Errors
    /// In words, what the text lacks.
    pub fn parse(text: &str, features: usize) -> Result<Svr, String> {
        let (head, vectors) = text.split_once("\nSV\n").ok_or("it has no line 'SV'")?;
        let value = |key: &str| {
            let line = head.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(' '));
            line.ok_or_else(|| format!("it has no '{key}'"))
        };
        let number = |key: &str| value(key)?.trim().parse::<f64>().map_err(|e| format!("'{key}': {e}"));
        for (key, wanted) in [("svm_type", "nu_svr"), ("kernel_type", "rbf")] {
            if value(key)?.trim() != wanted {
                return Err(format!("its {key} is not {wanted}"));
            }
        }
        let vectors: Vec<_> = vectors
            .lines()
            .map(|line| vector(line, features))
            .collect::<Option<_>>()
            .ok_or_else(|| format!("a support vector is not a coefficient and at most {features} features"))?;
        if vectors.len() as f64 != number("total_sv")? {
            return Err(format!("it has {} support vectors, not what total_sv says", vectors.len()));
        }
        Ok(Svr { gamma: number("gamma")?, rho: number("rho")?, vectors })
    }

    pub fn predict(&self, features: &[f64]) -> f64 {
        let distance = |vector: &[f64]| vector.iter().zip(features).map(|(v, f)| (v - f) * (v - f)).sum::<f64>();
        self.vectors.iter().map(|(c, v)| c * (-self.gamma * distance(v)).exp()).sum::<f64>() - self.rho
    }
}

/// "0.5 1:0.25 3:1": features are counted from 1, those not named are 0.
fn vector(line: &str, features: usize) -> Option<(f64, Vec<f64>)> {
    let mut words = line.split_ascii_whitespace();
    let coefficient = words.next()?.parse().ok()?;
    let mut vector = vec![0.0; features];
    for word in words {
        let (index, value) = word.split_once(':')?;
        *vector.get_mut(index.parse::<usize>().ok()?.checked_sub(1)?)? = value.parse().ok()?;
    }
    Some((coefficient, vector))
}
