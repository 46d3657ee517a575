//! What the names of files say, such as `c_gls_SSM1km_202002200000_CEURO_S1CSAR_V1.1.1.nc`.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use url::Url;

/// The time that a file is of: the part of its name that is a date of eight digits, mostly with hours and minutes behind it.
pub(super) fn time_of(link: &Url) -> Option<Timestamp> {
    let name = link.path_segments()?.next_back()?;
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    stem.split(['_', '-']).find_map(time)
}

fn time(digits: &str) -> Option<Timestamp> {
    let (date, time) = match digits.len() {
        8 => (digits, "0000"),
        12 => digits.split_at_checked(8)?,
        14 => (digits.get(..8)?, digits.get(8..12)?),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M", format!("{date}{time}")).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_real_names() {
        for (name, time) in [
            (
                "c_gls_SSM1km_202002200000_CEURO_S1CSAR_V1.1.1.nc",
                "2020-02-20T00:00:00Z",
            ),
            (
                "c_gls_LIE-EUROPE_201904041230_CEURO_MODIS_V1.0.1.nc",
                "2019-04-04T12:30:00Z",
            ),
            ("x_20240229.tif", "2024-02-29T00:00:00Z"),
        ] {
            let link = format!("https://example.org/2020/20200101/{name}");
            let found = time_of(&link.parse().unwrap());
            assert_eq!(found, Some(time.parse().unwrap()), "{name}");
        }
        for name in ["manifest.txt", "x_20241341_V1.nc", ""] {
            let link = format!("https://example.org/{name}");
            assert_eq!(time_of(&link.parse().unwrap()), None, "{name}");
        }
    }
}
