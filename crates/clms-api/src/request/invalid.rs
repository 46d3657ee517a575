//! What is wrong with a request.

use crate::error::ApiError;

/// Why a request was not sent: the portal would refuse it, or do something else than was meant.
///
/// The messages name the values that are allowed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// It asks for nothing.
    #[error("it asks for nothing")]
    Nothing,
    /// It asks for too many parts at once.
    #[error("it asks for {found} parts of datasets, and the portal takes {max} at a time", max = super::MAX_PARTS)]
    TooManyParts {
        /// How many.
        found: usize,
    },
    /// A dataset or file without an identifier.
    #[error("it asks for a file with a blank identifier")]
    BlankIdentifier,
    /// It asks for the same thing twice.
    #[error("it asks for {what} twice")]
    Twice {
        /// What.
        what: String,
    },
    /// The dataset has no such collection.
    #[error(
        "dataset {dataset} has no collection '{found}'; it has {}",
        list(allowed)
    )]
    Collection {
        /// The dataset.
        dataset: String,
        /// What was asked for.
        found: String,
        /// Its collections.
        allowed: Vec<String>,
    },
    /// The portal can't cut parts from this collection.
    #[error("the collection '{collection}' of dataset {dataset} can't be requested: {problem}")]
    NotDownloadable {
        /// The dataset.
        dataset: String,
        /// The collection.
        collection: String,
        /// Why.
        problem: String,
    },
    /// The portal can't convert to that format.
    #[error(
        "the format '{found}' can't be had; for data in {from} it is one of {}",
        list(allowed)
    )]
    Format {
        /// What was asked for.
        found: String,
        /// The collection's own format.
        from: String,
        /// What it can be converted to.
        allowed: Vec<String>,
    },
    /// The portal can't project to that CRS.
    #[error("the CRS '{found}' can't be had; it is one of {}", list(allowed))]
    Crs {
        /// What was asked for.
        found: String,
        /// What can be had.
        allowed: Vec<String>,
    },
    /// The collection has no such layer.
    #[error("there is no layer '{found}'; {}", layers(allowed))]
    Layer {
        /// What was asked for.
        found: String,
        /// The collection's layers.
        allowed: Vec<String>,
    },
    /// No NUTS code.
    #[error("'{found}' is no NUTS code: {problem}")]
    Nuts {
        /// What was given.
        found: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No bounding box.
    #[error(
        "the bounding box (west {west}, south {south}, east {east}, north {north}) is invalid: {problem}"
    )]
    BoundingBox {
        /// The westernmost longitude.
        west: f64,
        /// The southernmost latitude.
        south: f64,
        /// The easternmost longitude.
        east: f64,
        /// The northernmost latitude.
        north: f64,
        /// What is wrong with it.
        problem: String,
    },
    /// The bounding box is too large for the portal, which measures it in a way of its own: see
    /// [`BBox::portal_area`](crate::BBox::portal_area).
    #[error(
        "the bounding box has {:.3e} m² by the portal's reckoning, and the limit is {:.1e} m²: \
         ask for smaller ones, or for a NUTS code",
        area,
        super::MAX_PORTAL_AREA
    )]
    TooLarge {
        /// Its area by the portal's reckoning, in m²; infinite for some.
        area: f64,
    },
    /// A first day after the last one, or before 1970.
    #[error("the days {first} to {last} are invalid: {problem}")]
    Days {
        /// The first day.
        first: jiff::civil::Date,
        /// The last day.
        last: jiff::civil::Date,
        /// What is wrong with them.
        problem: String,
    },
    /// More days than the dataset allows.
    #[error("it asks for {found} days more than the first, and dataset {dataset} allows {max}")]
    TooManyDays {
        /// The dataset.
        dataset: String,
        /// From the first to the last day.
        found: i32,
        /// The limit.
        max: u32,
    },
    /// Days for a dataset that is no time series.
    #[error("dataset {dataset} takes no days, for it is no time series")]
    DaysNotAllowed {
        /// The dataset.
        dataset: String,
    },
    /// No days for a dataset that is a time series.
    #[error("dataset {dataset} is a time series and needs days, at most {max} after the first")]
    DaysNeeded {
        /// The dataset.
        dataset: String,
        /// The limit.
        max: u32,
    },
    /// Neither a bounding box nor a NUTS code.
    #[error("dataset {dataset} needs a bounding box or a NUTS code: {problem}")]
    AreaNeeded {
        /// The dataset.
        dataset: String,
        /// Why.
        problem: String,
    },
    /// Something else that can't be sent.
    #[error("{problem}")]
    Other {
        /// What.
        problem: String,
    },
}

impl From<InvalidRequest> for ApiError {
    fn from(error: InvalidRequest) -> Self {
        Self::InvalidRequest {
            problem: error.to_string(),
        }
    }
}

fn list(words: &[String]) -> String {
    if words.is_empty() {
        return "none".to_owned();
    }
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    quoted.join(", ")
}

fn layers(allowed: &[String]) -> String {
    if allowed.is_empty() {
        "the collection has none to choose from".to_owned()
    } else {
        format!("it is one of {}", list(allowed))
    }
}
