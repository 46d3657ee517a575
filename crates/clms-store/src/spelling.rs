//! How alike a name that was typed is to names that there are.
//!
//! Names are compared by their letters and digits alone, in lower case: data ids differ in case, hyphens and underscores from product to product
//! (`clc2018`, `clc-2012`). All names get a rough likeness by the pairs of letters that they share; only the best of these are compared letter by
//! letter, so that the time hardly depends on how many there are.

/// At most so many names are worth naming.
pub(crate) const NAMED: usize = 5;

/// Names that are less alike are not named.
const ALIKE: f64 = 0.6;

/// Names that are so much less alike than the best one are not named beside it.
const BESIDE: f64 = 0.1;

/// So many are compared letter by letter.
const COMPARED: usize = 48;

/// No name is longer; what is typed may be.
const LONGEST: usize = 200;

/// A shorter part of a name is part of too many.
const SHORTEST_PART: usize = 4;

/// Something that was typed.
pub(crate) struct Typed {
    whole: Plain,
    /// Product and file, if there are two parts.
    parts: Option<(Plain, Plain)>,
}

impl Typed {
    pub(crate) fn new(text: &str) -> Self {
        let text: String = text.trim().chars().take(LONGEST).collect();
        let parts = text.split_once(['|', '/']);
        Self {
            whole: Plain::new(&text),
            parts: parts.map(|(product, file)| (Plain::new(product), Plain::new(file))),
        }
    }

    /// The best of `names`, which are data ids, products or titles, with how alike they are, the best first: those that are nearly as much alike as the
    /// best one, and that one alone if nothing but case and signs differs.
    pub(crate) fn best<T>(&self, names: impl IntoIterator<Item = (T, Name)>) -> Vec<(f64, T)> {
        let mut rough: Vec<(f64, T, Name)> = names
            .into_iter()
            .map(|(it, name)| (self.likeness(&name, Plain::shared_pairs), it, name))
            .collect();
        rough.sort_by(|a, b| b.0.total_cmp(&a.0));
        rough.truncate(COMPARED);
        let mut exact: Vec<(f64, T)> = rough
            .into_iter()
            .map(|(_, it, name)| (self.likeness(&name, Plain::same_letters), it))
            .collect();
        exact.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best = exact.first().map_or(0.0, |(likeness, _)| *likeness);
        let least = if best < 1.0 { best - BESIDE } else { best };
        exact.retain(|(likeness, _)| *likeness >= least.max(ALIKE));
        exact
    }

    /// From 0 to 1, where 1 is the same letters and digits.
    fn likeness(&self, name: &Name, alike: fn(&Plain, &Plain) -> f64) -> f64 {
        let whole = alike(&self.whole, &name.whole);
        let mut best = whole.max(self.is_part_of(&name.whole));
        if let Some(file) = &name.file {
            best = best.max(match &self.parts {
                None => 0.98 * alike(&self.whole, file),
                Some((product, typed)) if product.text == name.product.text => {
                    // The right product: whatever the file is, it is one of these.
                    let alike = alike(typed, file).max(typed.is_part(file));
                    ALIKE + 0.02 + (0.97 - ALIKE) * alike
                }
                Some((product, typed)) => {
                    0.4 * alike(product, &name.product) + 0.6 * alike(typed, file)
                }
            });
        }
        if whole < 1.0 { best.min(0.99) } else { whole }
    }

    fn is_part_of(&self, name: &Plain) -> f64 {
        self.whole.is_part(name)
    }
}

/// A name that there is.
pub(crate) struct Name {
    whole: Plain,
    product: Plain,
    file: Option<Plain>,
}

impl Name {
    pub(crate) fn of_data_id(text: &str) -> Self {
        let (product, file) = match text.split_once('|') {
            Some((product, file)) => (product, Some(file)),
            None => (text, None),
        };
        Self {
            whole: Plain::new(text),
            product: Plain::new(product),
            file: file.map(Plain::new),
        }
    }

    /// Of something that has no parts, such as a product's title.
    pub(crate) fn of_text(text: &str) -> Self {
        Self {
            whole: Plain::new(text),
            product: Plain::new(""),
            file: None,
        }
    }
}

/// A text as it is compared.
struct Plain {
    text: String,
    /// A bit for each pair of letters; pairs may share one.
    pairs: [u64; 32],
    count: u32,
}

impl Plain {
    fn new(text: &str) -> Self {
        let text: String = text
            .trim_end_matches(".zip")
            .chars()
            .filter(|c| c.is_alphanumeric())
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let mut pairs = [0_u64; 32];
        for pair in text.as_bytes().windows(2) {
            let bit = (usize::from(pair[0]) * 37 + usize::from(pair[1])) % 2048;
            pairs[bit / 64] |= 1 << (bit % 64);
        }
        Self {
            count: pairs.iter().map(|bits| bits.count_ones()).sum(),
            text,
            pairs,
        }
    }

    /// Twice what they share by what they have (Dice).
    fn shared_pairs(&self, other: &Self) -> f64 {
        let shared: u32 = self
            .pairs
            .iter()
            .zip(&other.pairs)
            .map(|(a, b)| (a & b).count_ones())
            .sum();
        match self.count + other.count {
            0 => 0.0,
            all => f64::from(2 * shared) / f64::from(all),
        }
    }

    /// One less the share of letters that would have to be put, taken, changed or swapped.
    fn same_letters(&self, other: &Self) -> f64 {
        if self.text.is_empty() || other.text.is_empty() {
            return 0.0;
        }
        let longer = self.text.len().max(other.text.len());
        let shorter = self.text.len().min(other.text.len());
        // No need to count: it can't be enough.
        if shorter * 2 < longer {
            return 0.0;
        }
        let edits = strsim::osa_distance(&self.text, &other.text);
        1.0 - edits as f64 / longer as f64
    }

    /// How much of `whole` this is, if it is a part of it.
    fn is_part(&self, whole: &Self) -> f64 {
        if self.text.len() < SHORTEST_PART || !whole.text.contains(&self.text) {
            return 0.0;
        }
        0.7 + 0.25 * self.text.len() as f64 / whole.text.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(typed: &str) -> Vec<&'static str> {
        let names = [
            "clc2018|u2018_clc2018_v2020_20u1_raster100m",
            "clc2018|u2018_clc2018_v2020_20u1_fgdb",
            "clc-2012|u2018_clc2012_v2020_20u1_raster100m",
            "forest-type-2015|FTY_2015_100m_eu_03035_d02_Full",
            "forest-type-2015|FTY_2015_020m_eu_03035_d04_E00N20",
        ];
        let named = names.map(|name| (name, Name::of_data_id(name)));
        let found = Typed::new(typed).best(named);
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn case_and_signs_make_no_difference() {
        assert_eq!(
            best("CLC-2018/U2018_CLC2018_V2020_20u1_raster100m.zip"),
            ["clc2018|u2018_clc2018_v2020_20u1_raster100m"]
        );
    }

    #[test]
    fn slips_of_the_pen_are_forgiven() {
        for typed in [
            "clc2018|u2018_clc2018_v2020_20u1_raster100",
            "clc2018|u2018_clc2018_v2020_20u1_rsater100m",
            "clc2018|raster100m",
            "clc20l8|u2018_clc2018_v2020_20u1_raster100m",
            "u2018_clc2018_v2020_20u1_raster100m",
        ] {
            let found = best(typed);
            assert_eq!(
                found.first(),
                Some(&"clc2018|u2018_clc2018_v2020_20u1_raster100m"),
                "{typed}"
            );
        }
    }

    #[test]
    fn a_wrong_file_of_a_right_product_is_one_of_these() {
        assert_eq!(best("clc2018|qqqq").len(), 2);
        assert!(best("qqqq").is_empty());
        assert!(best("").is_empty());
    }
}
