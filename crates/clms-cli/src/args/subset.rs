//! The options that choose a subset.

use clap::Args;
use clms_store::{InvalidSubset, Subset, SubsetParameter};

/// What the portal is to cut out of the products or collections that are named, which thus become data ids of their own.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Subset, cut out by the portal, of DATA_ID = 'PRODUCT' or 'PRODUCT|COLLECTION' as `clms describe PRODUCT` tells"
)]
pub(crate) struct SubsetArgs {
    /// Only this box, in degrees
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true)]
    pub(crate) bbox: Option<String>,
    /// Only this region or country, such as LU or ITC11
    #[arg(long, value_name = "CODE", conflicts_with = "bbox")]
    pub(crate) nuts: Option<String>,
    /// Only these days, such as 2021-01-01/2021-01-31; both are included
    #[arg(long, value_name = "A/B")]
    pub(crate) time: Option<String>,
    /// In this CRS, such as EPSG:4326 [default: the product's own]
    #[arg(long, value_name = "EPSG:N")]
    pub(crate) crs: Option<String>,
    /// In this format, such as Geotiff or Netcdf [default: the collection's own]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Only this layer
    #[arg(long, value_name = "LAYER")]
    pub(crate) layer: Option<String>,
}

impl SubsetArgs {
    /// What was chosen; empty if nothing was.
    pub(crate) fn chosen(&self) -> Result<Subset, InvalidSubset> {
        let given = [
            (SubsetParameter::BBox, &self.bbox),
            (SubsetParameter::Nuts, &self.nuts),
            (SubsetParameter::Time, &self.time),
            (SubsetParameter::Crs, &self.crs),
            (SubsetParameter::Format, &self.format),
            (SubsetParameter::Layer, &self.layer),
        ];
        let mut subset = Subset::new();
        for (parameter, text) in given {
            if let Some(text) = text {
                subset.set(parameter, text)?;
            }
        }
        Ok(subset)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::args::{Cli, Command, StoreCommand};

    #[test]
    fn boxes_may_begin_with_a_minus_sign() {
        let typed = ["clms", "preload", "clc2018", "--bbox", "-9.6,-1,-8,2.50"];
        let command = Cli::parse_from(typed).command;
        let Command::OfStore(StoreCommand::Preload(preload)) = command else {
            panic!("another command")
        };
        let chosen = preload.subset.chosen().map(|subset| subset.to_string());
        assert_eq!(chosen.as_deref(), Ok("bbox=-9.6,-1,-8,2.5"));
        let both = ["clms", "preload", "x", "--nuts=LU", "--bbox=1,2,3,4"];
        assert!(Cli::try_parse_from(both).is_err());
    }
}
