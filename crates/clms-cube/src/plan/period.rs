//! The years that a product speaks of, from the name of its file.

/// First and last year, which are the same for a map of one year.
pub(crate) type Period = (u16, u16);

/// The period in a name, in any of the ways in which CLMS writes it; `None` when there is none.
///
/// Newer names have `S2018` (status), `C2018-2021` (change) or `P2018-2020` (period); older ones `2018`, or `1518` for the change
/// between 2015 and 2018; CORINE Land Cover has the year of the map behind `CLC` (the one behind `U` is that of the campaign, and
/// the one behind `V` that of the release).
pub(crate) fn of_name(stem: &str) -> Option<Period> {
    let tokens: Vec<&str> = stem.split('_').collect();
    let corine = tokens.iter().find_map(|token| {
        let year = strip_prefix_ignoring_case(token, "CLC")?;
        of_one_year(year)
    });
    let marked = || {
        tokens.iter().find_map(|token| {
            let rest = token.strip_prefix(['S', 'C', 'P', 's', 'c', 'p'])?;
            of_years(rest)
        })
    };
    let plain = || tokens.iter().find_map(|token| of_years(token));
    let short = || {
        tokens.windows(2).find_map(|pair| {
            let is_resolution =
                pair[1].ends_with('m') && pair[1][..pair[1].len() - 1].parse::<u16>().is_ok();
            let years: u16 = pair[0]
                .parse()
                .ok()
                .filter(|_| pair[0].len() == 4 && is_resolution)?;
            let (first, last) = (2000 + years / 100, 2000 + years % 100);
            (first < last && last < 2030).then_some((first, last))
        })
    };
    corine.or_else(marked).or_else(plain).or_else(short)
}

/// The year that a map is of, by its name; `None` for changes and periods, and where two years might be meant.
pub(crate) fn year_of_map(stem: &str) -> Option<u16> {
    let (first, last) = of_name(stem)?;
    let plain = || stem.split(['_', '-']).filter_map(of_one_year);
    // `CHA_2012_2018` is no map of 2012.
    let is_marked = plain().count() == 0;
    (first == last && (is_marked || plain().all(|years| years == (first, first)))).then_some(first)
}

fn of_years(text: &str) -> Option<Period> {
    let Some((first, last)) = text.split_once('-') else {
        return of_one_year(text);
    };
    let (first, last) = (of_one_year(first)?.0, of_one_year(last)?.0);
    (first <= last).then_some((first, last))
}

fn of_one_year(text: &str) -> Option<Period> {
    let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let year: u16 = text.parse().ok().filter(|_| digits)?;
    (1985..2050).contains(&year).then_some((year, year))
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_one_year() {
        for (name, year) in [
            ("FTY_2015_100m_eu_03035_d02_full", Some(2015)),
            ("U2018_CLC2012_V2020_20u1", Some(2012)),
            (
                "CLMS_HRLVLCC_TCD_S2021_R10m_E44N36_03035_V01_R00",
                Some(2021),
            ),
            ("CHA_2012_2018", None),
            (
                "CLMS_HRLVLCC_GRAC_C2021-2024_R20m_E09N27_03035_V01_R00",
                None,
            ),
            ("IMCC_1518_020m_eu_03035_V1_0", None),
            ("NDVI-LTS_1999-2019-0621", None),
            ("DEM_3035_010m", None),
        ] {
            assert_eq!(year_of_map(name), year, "{name}");
        }
    }

    #[test]
    fn years_of_all_generations() {
        for (name, period) in [
            ("FTY_2015_100m_eu_03035_d02_full", Some((2015, 2015))),
            ("IMCC_1518_020m_eu_03035_V1_0", Some((2015, 2018))),
            ("U2018_CLC2018_V2020_20u1", Some((2018, 2018))),
            ("u2018_clc2012_v2020_20u1", Some((2012, 2012))),
            (
                "CLMS_HRLVLCC_TCD_S2021_R10m_E44N36_03035_V01_R00",
                Some((2021, 2021)),
            ),
            (
                "CLMS_HRLVLCC_GRAC_C2021-2024_R20m_E09N27_03035_V01_R00",
                Some((2021, 2024)),
            ),
            (
                "CLMS_CLCplus_RASTER_2021_010m_eu_03035_V1_1",
                Some((2021, 2021)),
            ),
            ("DEM_3035_010m", None),
            ("a–b_é_2m", None),
            ("", None),
        ] {
            assert_eq!(of_name(name), period, "{name}");
        }
    }
}
