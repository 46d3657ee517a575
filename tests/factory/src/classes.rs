//! Class tables: values, codes, names and colours.

/// One class of a raster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The pixel value.
    pub value: i64,
    /// The class's code in its nomenclature; the value as text where there is no other.
    pub code: String,
    /// The class's name.
    pub name: String,
    /// Red, green and blue.
    pub colour: [u8; 3],
}

/// The classes of a raster, in the order of its legend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassTable(pub Vec<Class>);

impl ClassTable {
    /// From `(value, name, colour)`; the code is the value.
    #[must_use]
    pub fn new(classes: &[(i64, &str, [u8; 3])]) -> Self {
        let class = |(value, name, colour): &(i64, &str, [u8; 3])| Class {
            value: *value,
            code: value.to_string(),
            name: (*name).to_owned(),
            colour: *colour,
        };
        Self(classes.iter().map(class).collect())
    }

    /// The class of a pixel value.
    #[must_use]
    pub fn get(&self, value: i64) -> Option<&Class> {
        self.0.iter().find(|class| class.value == value)
    }

    /// The pixel values.
    pub fn values(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().map(|class| class.value)
    }
}
