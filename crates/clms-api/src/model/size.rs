//! Sizes as the portal's editors typed them.

/// Reads a size such as `"125 MB"` or `"23  MB"` as bytes.
///
/// The portal's sizes are whole numbers typed from a Windows file manager, so a KB is 1024
/// bytes, and each is rounded to its unit: good for a progress estimate or a warning about
/// space, never for a check. A comma counts as a decimal point, a unit may be missing (bytes).
///
/// ```
/// assert_eq!(clms_api::parse_size("23  MB"), Some(23 * 1024 * 1024));
/// assert_eq!(clms_api::parse_size("1.5 GB"), Some(1_610_612_736));
/// assert_eq!(clms_api::parse_size(""), None);
/// ```
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number = number.trim();
    let power = match unit.trim().to_ascii_uppercase().as_str() {
        "" | "B" | "BYTES" => 0,
        "K" | "KB" | "KIB" => 1,
        "M" | "MB" | "MIB" => 2,
        "G" | "GB" | "GIB" => 3,
        "T" | "TB" | "TIB" => 4,
        _ => return None,
    };
    let scale = 1024_u64.pow(power);
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale);
    }
    if !number
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
    {
        return None;
    }
    let bytes = number.replace(',', ".").parse::<f64>().ok()? * scale as f64;
    (bytes < u64::MAX as f64).then_some(bytes.round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_of_the_catalogue() {
        for (text, bytes) in [
            ("94 KB", 94 << 10),
            ("125 MB", 125 << 20),
            ("23  MB", 23 << 20),
            ("\t7 GB ", 7 << 30),
            ("12mb", 12 << 20),
            ("0,5 MB", 1 << 19),
            ("662", 662),
            ("0 KB", 0),
        ] {
            assert_eq!(parse_size(text), Some(bytes), "{text:?}");
        }
        for text in [
            "",
            "MB",
            "-3 MB",
            "+3 MB.",
            "1.2.3 MB",
            "3 parsecs",
            "NaN",
            "inf GB",
            "99999999999999999999 TB",
        ] {
            assert_eq!(parse_size(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_blanks_and_case(n in 0_u64..100_000, unit in 0_usize..4, blanks in "[ \t]{0,4}", outer in "[ \t]{0,3}") {
            let names = [["B", "b"], ["KB", "kb"], ["MB", "Mb"], ["GB", "gB"]];
            for name in names[unit] {
                let text = format!("{outer}{n}{blanks}{name}{outer}");
                prop_assert_eq!(parse_size(&text), Some(n << (10 * unit)));
            }
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_size(&text);
        }
    }
}
