//! What the portal objects to, told by its words.

/// An objection of the portal's download tool. It has no codes, only sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The same is queued already, or was asked for twice at once. Two equal queued tasks for a
    /// prepackaged file make the portal refuse every request with this, also unrelated ones.
    Duplicated,
    /// More parts of datasets were asked for than the queue takes at a time.
    TooManyItems,
    /// There is no such dataset, it is not published, or none was named.
    UnknownDataset,
    /// The dataset has no such prepackaged file, or the file has no path.
    UnknownFile,
    /// The dataset has no such collection, or nothing can be cut from it.
    UnknownCollection,
    /// The portal can't take data from the collection's source.
    Source,
    /// The format does not exist, or can't be made of the collection's.
    Format,
    /// The CRS is not one of the dataset's, or none was named.
    Crs,
    /// The collection has no such layer.
    Layer,
    /// No country of the world begins a NUTS code so.
    Nuts,
    /// The bounding box is not four numbers.
    BoundingBox,
    /// The bounding box is too large.
    TooLarge,
    /// Both a NUTS code and a bounding box were named.
    TwoAreas,
    /// An area must be named.
    AreaNeeded,
    /// The whole dataset can't be had this way.
    WholeDataset,
    /// The dataset takes no dates.
    DatesNotAllowed,
    /// The dates are no dates, or in the wrong order.
    Dates,
    /// Dates must be named.
    DatesNeeded,
    /// More days than the dataset allows.
    TooManyDays,
    /// A parameter of direct links is missing.
    Parameter,
    /// There is no such status.
    UnknownStatus,
    /// There is no such task, or none was named.
    UnknownTask,
    /// The task is another user's.
    NotYourTask,
    /// The engine refused, or took too long. The task was made all the same.
    Engine,
}

/// Parts of the sentences; the more special ones come first.
const WORDS: [(&str, Refusal); 38] = [
    (
        "download the same thing at least twice",
        Refusal::Duplicated,
    ),
    ("download queue can only process", Refusal::TooManyItems),
    ("the DatasetID is not valid", Refusal::UnknownDataset),
    ("DatasetID is not defined", Refusal::UnknownDataset),
    ("Dataset does not exist", Refusal::UnknownDataset),
    ("the FileID is not valid", Refusal::UnknownFile),
    (
        "DatasetDownloadInformationID is not defined",
        Refusal::UnknownCollection,
    ),
    (
        "this dataset is not downloadable",
        Refusal::UnknownCollection,
    ),
    (
        "Dataset collection does not exist",
        Refusal::UnknownCollection,
    ),
    ("dataset source is not valid", Refusal::Source),
    ("output format is not valid", Refusal::Format),
    ("specified formats are not compatible", Refusal::Format),
    ("NetCDF format is not allowed", Refusal::Format),
    ("OutputGCS parameter is mandatory", Refusal::Crs),
    ("defined GCS not in the list", Refusal::Crs),
    ("band/layer is not valid", Refusal::Layer),
    ("NUTS country error", Refusal::Nuts),
    ("NUTS is also defined", Refusal::TwoAreas),
    ("BoundingBox is not valid", Refusal::BoundingBox),
    ("BoundingBox is too big", Refusal::TooLarge),
    ("select a specific area of interest", Refusal::AreaNeeded),
    ("to download the full dataset", Refusal::WholeDataset),
    ("To download the full dataset", Refusal::WholeDataset),
    (
        "temporal restriction is not allowed",
        Refusal::DatesNotAllowed,
    ),
    ("bigger than the allowed range of", Refusal::TooManyDays),
    ("of an specific date range", Refusal::DatesNeeded),
    ("TemporalFilter ", Refusal::Dates),
    ("date format is not correct", Refusal::Dates),
    ("StartDate and EndDate is not coherent", Refusal::Dates),
    ("date_from", Refusal::Dates),
    ("date_to", Refusal::Dates),
    ("status not recognized", Refusal::UnknownStatus),
    ("all requests failed", Refusal::Engine),
    ("TaskID not defined", Refusal::UnknownTask),
    ("the task does not exist", Refusal::UnknownTask),
    ("TaskID not registered", Refusal::UnknownTask),
    ("permission denied", Refusal::NotYourTask),
    ("Required parameters are missing", Refusal::Parameter),
];

impl Refusal {
    pub(crate) fn read(words: &str) -> Option<Self> {
        WORDS
            .iter()
            .find_map(|(part, refusal)| words.contains(part).then_some(*refusal))
    }
}
