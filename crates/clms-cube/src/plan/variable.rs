//! Variables of a plan: tiles, fill, classes and attributes.

use jiff::Timestamp;

use super::naming::Layer;
use super::placement::{PlacedGroup, PlacedRaster};
use super::planner::Planner;
use super::{Content, Fill, VariablePlan, source_attributes, tiles};
use crate::classes::{self, Class, SideCars};
use crate::product_classes::{self, KnownClass};
use crate::products::{Product, Values};
use crate::raster_header::Items;
use crate::{BuildOptions, CubeError};

impl Planner {
    /// A band of a layer, along some times if the layer has any of them.
    #[expect(
        clippy::too_many_arguments,
        reason = "all that is known of a package meets here"
    )]
    pub(super) fn variable(
        &mut self,
        name: String,
        band: usize,
        layer: &Layer,
        placed: &PlacedGroup,
        times: &[Timestamp],
        side_cars: &SideCars<'_>,
        options: &BuildOptions,
    ) -> Result<VariablePlan, CubeError> {
        let rasters: Vec<_> = layer
            .rasters
            .iter()
            .map(|index| &placed.rasters[*index])
            .collect();
        let dtype = rasters[0].header.dtype;
        let steps = layer.steps(times);
        let has_times = steps.is_some();
        let steps = steps.unwrap_or_else(|| vec![0; rasters.len()]);
        let of_steps: Vec<_> = rasters.iter().copied().zip(steps).collect();
        let tiles = tiles::of_band(&of_steps, band, &mut self.notes);
        let steps = if has_times { times.len() as u64 } else { 1 };
        let gaps = tiles::have_gaps(&tiles, steps, placed.grid.height, placed.grid.width);
        let fill = Fill::choose(options.fill_value, &tiles, layer.product, dtype, gaps)?;
        if fill.is_settled(&tiles, dtype) {
            fill.report(&name, &tiles, &mut self.notes);
        }
        let header = &rasters[0].header.bands[band - 1];
        let items = rasters
            .iter()
            .map(|raster| &raster.header.bands[band - 1].items);
        let items = source_attributes::common(items);
        Ok(VariablePlan {
            classes: self.classes(&rasters, band, &items, layer.product, side_cars),
            attributes: source_attributes::of_variable(&items, dtype),
            name,
            product: layer.product,
            has_times,
            tiles,
            content: Content::Sources,
            fill,
            validity: None,
            description: header.description.clone(),
            unit: header.unit.clone(),
            scale: header.scale,
            offset: header.offset,
        })
    }

    /// Classes by the raster's own attributes, side-car, embedded palette and the product's own table, in this order. A table may list only what
    /// occurs in its tile, so the tables of all tiles are merged.
    fn classes(
        &mut self,
        rasters: &[&PlacedRaster],
        band: usize,
        items: &Items,
        product: Option<&'static Product>,
        side_cars: &SideCars<'_>,
    ) -> Vec<Class> {
        let mut by_source: [Vec<Vec<Class>>; 3] = Default::default();
        // Side-cars speak of the first band.
        for raster in rasters.iter().filter(|_| band == 1) {
            let header = &raster.header;
            let found = side_cars.classes_of(&header.source.name, product, header.dtype);
            self.used.extend(found.used);
            found.notes.into_iter().for_each(|note| {
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
            });
            by_source
                .iter_mut()
                .zip(found.sources)
                .for_each(|(all, classes)| all.push(classes));
        }
        // What the raster itself says stands first.
        let mut sources = vec![source_attributes::classes(items)];
        sources.extend(by_source.into_iter().flatten());
        let palette = rasters
            .iter()
            .map(|raster| raster.header.bands[band - 1].palette.as_slice())
            .find(|p| !p.is_empty());
        let palette = palette.into_iter().flatten();
        // Unused entries of a palette are black.
        let used = palette.filter(|(_, colour)| *colour != [0; 3]);
        sources.push(
            used.map(|(value, colour)| Class {
                value: *value,
                name: None,
                colour: Some(*colour),
            })
            .collect(),
        );
        let (known, quantity) = match product.map(|product| product.values) {
            Some(Values::Classes(known)) => (known, None),
            Some(Values::Quantity {
                min, max, codes, ..
            }) => (codes, Some((min, max))),
            None => (&[][..], None),
        };
        // Only names for what is otherwise nameless: the sources' own names win as a whole.
        if !sources.iter().flatten().any(|class| class.name.is_some()) {
            sources.push(known.iter().map(Self::class).collect());
        }
        let mut classes = classes::merge(&sources);
        if let Some((min, max)) = quantity {
            // A table with a row for each percent: what is left are the codes beyond the range.
            classes.retain(|class| {
                !(min..=max).contains(&(class.value as f64)) && class.name.is_some()
            });
        }
        let dtype = rasters[0].header.dtype;
        classes.retain(|class| !dtype.is_float() && dtype.holds(class.value as f64));
        classes
    }

    fn class(known: &KnownClass) -> Class {
        Class {
            value: known.0,
            name: Some(known.1.to_owned()),
            colour: product_classes::colour(known),
        }
    }
}
