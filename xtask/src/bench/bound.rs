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
/// Peak memory of X as a share of that of S.
const X_OF_S: f64 = 1.2;

/// The figures that have been compared with what they must be.
#[derive(Default)]
pub(super) struct Bounds {
    missed: Vec<String>,
}

impl Bounds {
    /// Says of each bound that an input has whether it is met.
    pub(super) fn judge(
        &mut self,
        input: &str,
        ours: &Measured,
        wall_of_gdal: Option<f64>,
        sum: f64,
    ) {
        println!("  {:<30}{:>10}{:>12}", "", "measured", "must be <");
        let of_gdal = OF_GDAL.iter().find(|(of, _)| *of == input);
        if let (Some((_, bound)), Some(gdal)) = (of_gdal, wall_of_gdal) {
            let what = "wall / that of unzip + GDAL";
            self.say(input, what, ours.wall / gdal, *bound);
        }
        self.say(input, "CPU / the unavoidable", ours.cpu / sum, CPU_OF_SUM);
        self.say(input, "wall / CPU", ours.wall / ours.cpu, WALL_OF_CPU);
        self.say(input, "peak memory, MiB", ours.peak_kib / 1024.0, PEAK_MIB);
        if input == "T" {
            self.say(input, "written, MB", ours.bytes as f64 / 1e6, MB_OF_T);
        }
        if let Some((requests, window)) = ours.reads {
            self.say(input, "requests to open it", requests as f64, REQUESTS);
            self.say(input, "one window, MB", window as f64 / 1e6, WINDOW_MB);
        }
    }

    /// Compares the peak memory of the largest input with that of the smallest, in KiB.
    pub(super) fn judge_growth(&mut self, small: f64, large: f64) {
        println!();
        self.say("X", "peak memory / that of S", large / small, X_OF_S);
    }

    fn say(&mut self, input: &str, what: &str, found: f64, bound: f64) {
        let is_met = found < bound;
        let verdict = if is_met { "ok" } else { "MISSED" };
        println!("  {what:<30}{found:>10.2}{bound:>12}  {verdict}");
        if !is_met {
            self.missed
                .push(format!("{input}: {what} is {found:.2}, not under {bound}"));
        }
    }

    /// Fails if a bound was missed.
    pub(super) fn conclude(self) -> Result<(), String> {
        if self.missed.is_empty() {
            Ok(())
        } else {
            Err(self.missed.join("; "))
        }
    }
}
