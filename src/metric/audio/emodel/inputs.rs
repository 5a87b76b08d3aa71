//! What goes into the E-model, and what each cause takes from its rating.

use serde::Serialize;

/// All inputs, by their names in G.107, table 3. Levels in dB or dBm0, delays in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs {
    /// Send and receive loudness rating.
    pub slr: f64,
    pub rlr: f64,
    /// Sidetone masking rating, listener sidetone rating.
    pub stmr: f64,
    pub lstr: f64,
    /// D-value of the telephone, send side. (That of the receive side enters through `lstr`.)
    pub ds: f64,
    /// Talker echo loudness rating, and weighted echo path loss.
    pub telr: f64,
    pub wepl: f64,
    /// Mean one-way delay of the echo path; 0 where nothing echoes.
    pub t: f64,
    /// Round-trip delay of the four-wire loop; 0 where nothing echoes.
    pub tr: f64,
    /// Absolute delay from mouth to ear.
    pub ta: f64,
    /// Quantisation distortion units.
    pub qdu: f64,
    /// Equipment impairment factor of the codec, and its packet-loss robustness.
    pub ie: f64,
    pub bpl: f64,
    /// Packet loss in percent, and the burst ratio: 1 for random loss.
    pub ppl: f64,
    pub burst_r: f64,
    /// Circuit noise at the 0 dBr point (dBm0p), noise floor at the receive side (dBmp).
    pub nc: f64,
    pub nfor: f64,
    /// Room noise at the send and the receive side, dB(A).
    pub ps: f64,
    pub pr: f64,
    /// Advantage factor: what users forgive for mobility.
    pub a: f64,
    /// Delay sensitivity, and the least delay that anybody minds (G.107, table 1): 1 and 100 ms for usual talk.
    pub st: f64,
    pub mt: f64,
}

impl Default for Inputs {
    fn default() -> Inputs {
        Inputs {
            slr: 8.0,
            rlr: 2.0,
            stmr: 15.0,
            lstr: 18.0,
            ds: 3.0,
            telr: 65.0,
            wepl: 110.0,
            t: 0.0,
            tr: 0.0,
            ta: 0.0,
            qdu: 1.0,
            ie: 0.0,
            bpl: 4.3,
            ppl: 0.0,
            burst_r: 1.0,
            nc: -70.0,
            nfor: -64.0,
            ps: 35.0,
            pr: 35.0,
            a: 0.0,
            st: 1.0,
            mt: 100.0,
        }
    }
}

impl Inputs {
    /// The input of that name, in any case: "Ta", "BurstR".
    pub fn by_name(&mut self, name: &str) -> Option<&mut f64> {
        Some(match name.to_ascii_lowercase().as_str() {
            "slr" => &mut self.slr,
            "rlr" => &mut self.rlr,
            "stmr" => &mut self.stmr,
            "lstr" => &mut self.lstr,
            "ds" => &mut self.ds,
            "telr" => &mut self.telr,
            "wepl" => &mut self.wepl,
            "t" => &mut self.t,
            "tr" => &mut self.tr,
            "ta" => &mut self.ta,
            "qdu" => &mut self.qdu,
            "ie" => &mut self.ie,
            "bpl" => &mut self.bpl,
            "ppl" => &mut self.ppl,
            "burstr" => &mut self.burst_r,
            "nc" => &mut self.nc,
            "nfor" => &mut self.nfor,
            "ps" => &mut self.ps,
            "pr" => &mut self.pr,
            "a" => &mut self.a,
            "st" => &mut self.st,
            "mt" => &mut self.mt,
            _ => return None,
        })
    }

    pub const NAMES: [&'static str; 22] = [
        "SLR", "RLR", "STMR", "LSTR", "Ds", "TELR", "WEPL", "T", "Tr", "Ta", "Qdu", "Ie", "Bpl", "Ppl", "BurstR", "Nc",
        "Nfor", "Ps", "Pr", "A", "sT", "mT",
    ];
}

/// What one cause takes from R.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Impairment {
    /// Its symbol in the Recommendation.
    pub id: &'static str,
    pub title: &'static str,
    pub points: f64,
}
