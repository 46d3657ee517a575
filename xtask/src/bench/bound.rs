//! What the figures have to be.

use super::Measured;

/// Wall time as a share of that of `unzip` and GDAL, by input.
const OF_GDAL: [(&str, f64); 3] = [("S", 0.5), ("M", 0.3), ("T", 0.18)];
const CPU_OF_SUM: f64 = 0.9;
const WALL_OF_CPU: f64 = 0.65;
const PEAK_MIB: f64 = 200.0;
const MB_OF_T: f64 = 207.0;
const REQUESTS: f64 = 10.0;
const WINDOW_MB: f64 = 2.0;

/// Says of each bound that an input has whether it is met.
pub(super) fn judge(input: &str, ours: &Measured, wall_of_gdal: Option<f64>, sum: f64) {
    let of_gdal = OF_GDAL.iter().find(|(of, _)| *of == input);
    if let (Some((_, bound)), Some(gdal)) = (of_gdal, wall_of_gdal) {
        say("wall / that of unzip + GDAL", ours.wall / gdal, "", *bound);
    }
    say("CPU / the unavoidable", ours.cpu / sum, "", CPU_OF_SUM);
    say("wall / CPU", ours.wall / ours.cpu, "", WALL_OF_CPU);
    say("peak memory", ours.peak_kib / 1024.0, " MiB", PEAK_MIB);
    if input == "T" {
        say("bytes written", ours.bytes as f64 / 1e6, " MB", MB_OF_T);
    }
    if let Some((requests, window)) = ours.reads {
        say("opening a cube", requests as f64, " requests", REQUESTS);
        say("one window", window as f64 / 1e6, " MB", WINDOW_MB);
    }
}

pub(super) fn say(what: &str, found: f64, unit: &str, bound: f64) {
    let verdict = if found < bound { "met" } else { "MISSED" };
    println!("  {what:<30}{found:>8.2}{unit}, must be under {bound}{unit}: {verdict}");
}
