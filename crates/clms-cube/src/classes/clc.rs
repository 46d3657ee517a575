//! CORINE Land Cover writes its legends by three-digit code; most of its rasters count the classes instead.

use super::Class;

/// The 44 classes in the order of the legend: the pixel value of a class is its place in this list, counted from 1.
const CODES: [i64; 44] = [
    111, 112, 121, 122, 123, 124, 131, 132, 133, 141, 142, 211, 212, 213, 221, 222, 223, 231, 241,
    242, 243, 244, 311, 312, 313, 321, 322, 323, 324, 331, 332, 333, 334, 335, 411, 412, 421, 422,
    423, 511, 512, 521, 522, 523,
];

/// What the legend calls NODATA, and the pixel value for it in counted rasters (not 45, as the line number would have it).
const NODATA_CODE: i64 = 999;
const NODATA_PIXEL: i64 = 48;

/// Replaces codes by the pixel values of a counted raster, when all classes are given by code.
pub(super) fn count_codes(classes: Vec<Class>) -> Vec<Class> {
    let pixel = |code: i64| match code {
        NODATA_CODE => Some(NODATA_PIXEL),
        code => CODES
            .iter()
            .position(|known| *known == code)
            .map(|index| index as i64 + 1),
    };
    let by_code = classes
        .iter()
        .filter(|class| pixel(class.value).is_some())
        .count();
    if by_code < classes.len() || classes.is_empty() {
        return classes;
    }
    classes
        .into_iter()
        .filter_map(|class| {
            Some(Class {
                value: pixel(class.value)?,
                ..class
            })
        })
        .collect()
}

/// Whether the named values of a table are counted (1 to 48) and not codes.
pub(super) fn is_counted(classes: &[Class]) -> bool {
    !classes.is_empty()
        && classes
            .iter()
            .all(|class| class.value <= NODATA_PIXEL || class.value == 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_pixel_values() {
        let class = |value| Class {
            value,
            name: None,
            colour: None,
        };
        let values = |classes: Vec<Class>| {
            count_codes(classes)
                .iter()
                .map(|class| class.value)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            values(vec![class(111), class(211), class(523), class(999)]),
            [1, 12, 44, 48]
        );
        assert_eq!(values(vec![class(1), class(111)]), [1, 111]);
    }
}
