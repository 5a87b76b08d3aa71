//! The narrow-band circuit around the codec: noise, loudness, sidetone, quantisation and echo (ITU-T G.107 (06/2015),
//! sections 7.2 to 7.4).

use super::inputs::{Impairment, Inputs};

/// Ro, and the impairments that neither the codec nor the absolute delay makes.
pub(super) fn circuit(i: &Inputs) -> (f64, Vec<Impairment>) {
    let olr = i.slr + i.rlr;
    let noise = noise(i, olr);
    let ro = 15.0 - 1.5 * (i.slr + noise);
    let sidetone = sidetone(i);
    let impairments = vec![
        Impairment { id: "Iolr", title: "too loud a connection", points: loudness(i, olr, noise) },
        Impairment { id: "Ist", title: "sidetone", points: sidetone },
        Impairment { id: "Iq", title: "quantisation", points: quantisation(i, ro) },
        Impairment { id: "Idte", title: "talker echo", points: talker_echo(i, noise, sidetone) },
        Impairment { id: "Idle", title: "listener echo", points: listener_echo(i, ro) },
    ];
    (ro, impairments)
}

/// A level in dB as power.
fn power(db: f64) -> f64 {
    10.0_f64.powf(db / 10.0)
}

/// No: the power sum of circuit noise, both rooms and the receiver's floor (7-3 to 7-7).
fn noise(i: &Inputs, olr: f64) -> f64 {
    let send_room = i.ps - i.slr - i.ds - 100.0 + 0.004 * (i.ps - olr - i.ds - 14.0).powi(2);
    let effective_pr = i.pr + 10.0 * (1.0 + power(10.0 - i.lstr)).log10();
    let receive_room = i.rlr - 121.0 + effective_pr + 0.008 * (effective_pr - 35.0).powi(2);
    let floor = i.nfor + i.rlr;
    10.0 * (power(i.nc) + power(send_room) + power(receive_room) + power(floor)).log10()
}

/// Iolr (7-9, 7-10).
fn loudness(i: &Inputs, olr: f64, noise: f64) -> f64 {
    let x = (olr + 0.2 * (64.0 + noise - i.rlr)) / 8.0;
    20.0 * ((1.0 + x.powi(8)).powf(1.0 / 8.0) - x)
}

/// Ist (7-11, 7-12).
fn sidetone(i: &Inputs) -> f64 {
    let stmr = -10.0 * (power(-i.stmr) + (-i.t / 4.0).exp() * power(-i.telr)).log10();
    let bend = |offset: f64, width: f64, order: i32| {
        (1.0 + ((stmr - offset) / width).powi(order)).powf(1.0 / f64::from(order))
    };
    12.0 * bend(13.0, 6.0, 8) - 28.0 * bend(-1.0, 19.4, 35) - 13.0 * bend(3.0, 33.0, 13) + 29.0
}

/// Iq (7-13 to 7-17).
fn quantisation(i: &Inputs, ro: f64) -> f64 {
    let q = 37.0 - 15.0 * i.qdu.log10();
    let g = 1.07 + 0.258 * q + 0.0602 * q * q;
    let y = (ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0;
    let z = 46.0 / 30.0 - g / 40.0;
    15.0 * (1.0 + 10.0_f64.powf(y) + 10.0_f64.powf(z)).log10()
}

/// Idte (7-19 to 7-24): sidetone below 9 dB masks the echo's rating, sidetone above 20 dB adds to its annoyance.
fn talker_echo(i: &Inputs, noise: f64, sidetone: f64) -> f64 {
    let mut terv = i.telr - 40.0 * ((1.0 + i.t / 10.0) / (1.0 + i.t / 150.0)).log10() + 6.0 * (-0.3 * i.t * i.t).exp();
    if i.stmr < 9.0 {
        terv += sidetone / 2.0;
    }
    let re = 80.0 + 2.5 * (terv - 14.0);
    let half = (-1.5 * (noise - i.rlr) - re) / 2.0;
    let echo = if i.t < 1.0 { 0.0 } else { (half + (half * half + 100.0).sqrt() - 1.0) * (1.0 - (-i.t).exp()) };
    if i.stmr > 20.0 { echo.hypot(sidetone) } else { echo }
}

/// Idle (7-25, 7-26).
fn listener_echo(i: &Inputs, ro: f64) -> f64 {
    let rle = 10.5 * (i.wepl + 7.0) * (i.tr + 1.0).powf(-0.25);
    let half = (ro - rle) / 2.0;
    half + (half * half + 169.0).sqrt()
}
