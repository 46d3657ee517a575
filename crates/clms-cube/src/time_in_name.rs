//! The times that names of files tell, such as `c_gls_SSM1km_202002200000_CEURO_S1CSAR_V1.1.1.nc`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// What stands between the words of a name.
pub(crate) const SEPARATORS: [char; 4] = ['_', '-', '.', ' '];

/// The time that the name of a file tells: that of its first word which is a date of eight digits, with hours, minutes and seconds where they
/// stand behind it (`20200220`, `202002200000`, `20200220102841`, `20200220T102841`). It is UTC. Years alone are none, for they may be
/// anything: a reference, a campaign, a release.
///
/// ```
/// let time = clms_cube::time_in_name("c_gls_SSM1km_202002200000_CEURO_S1CSAR_V1.1.1.nc");
/// assert_eq!(time, "2020-02-20T00:00:00Z".parse().ok());
/// assert_eq!(clms_cube::time_in_name("FTY_2018_010m_eu_03035_v010.tif"), None);
/// ```
#[must_use]
pub fn time_in_name(name: &str) -> Option<Timestamp> {
    name.split(SEPARATORS).find_map(of_word)
}

/// The time that one word is.
pub(crate) fn of_word(word: &str) -> Option<Timestamp> {
    /// Those of satellites that look at the land, with room.
    const YEARS: std::ops::Range<i16> = 1950..2150;
    let (date, time) = word.trim_end_matches('Z').split_at_checked(8)?;
    let time = match (time.strip_prefix('T'), time.len()) {
        (Some(time), 7) => time,
        (None, 0 | 4 | 6) => time,
        _ => return None,
    };
    let mut digits = date.bytes().chain(time.bytes());
    let is_digits = digits.all(|byte| byte.is_ascii_digit());
    let time = DateTime::strptime("%Y%m%d%H%M%S", format!("{date}{time:0<6}")).ok()?;
    let is_plausible = is_digits && YEARS.contains(&time.year());
    let zoned = time.to_zoned(TimeZone::UTC).ok()?;
    is_plausible.then(|| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_real_names() {
        for (name, time) in [
            (
                "c_gls_SSM1km_202002200000_CEURO_S1CSAR_V1.1.1.nc",
                "2020-02-20T00:00:00Z",
            ),
            (
                "c_gls_LIE-EUROPE_201904041230_CEURO_MODIS_V1.0.1.nc",
                "2019-04-04T12:30:00Z",
            ),
            (
                "CLMS_WSI_FSC_020m_T32TLR_20260402T102841_S2A_V200_FSCOG.tif",
                "2026-04-02T10:28:41Z",
            ),
            ("x_20260402T102841Z.nc", "2026-04-02T10:28:41Z"),
            ("x_20260402102841.nc", "2026-04-02T10:28:41Z"),
            ("x_20240229.tif", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(time_in_name(name), Some(time.parse().unwrap()), "{name}");
        }
        for name in [
            "manifest.txt",
            "x_20241341_V1.nc",
            "x_10000101.tif",
            "U2018_CLC2018_V2020_20u1.tif",
            "FTY_2018_010m_E49N37_03035_v010.tif",
            "x_20200101T1028.tif",
            "x_1234567é.tif",
            "",
        ] {
            assert_eq!(time_in_name(name), None, "{name}");
        }
    }
}
