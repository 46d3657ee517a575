//! The source EEA: prepackaged files, ordered from the portal and preloaded by a job.

mod portal;

use clms_api::{Dataset, PrepackagedFile, Source as Word};
use clms_preload::{JobRequest, Order};

pub(crate) use self::portal::{Portal, download_problem};
use super::{Offer, Part, Source, page};
use crate::{
    DataId, InvalidDataId,
    build::BuildParameters,
    catalogue::{How, Unavailable},
    preload::PreloadOptions,
};

/// The agency's own store.
#[derive(Debug)]
pub(super) struct Eea;

impl Source for Eea {
    fn offers(&self, dataset: &Dataset) -> Vec<Offer> {
        let files = dataset.files.iter().enumerate();
        let offers = files.filter_map(|(number, file)| {
            let data_id = DataId::of_file(&dataset.id, &file.name)
                .inspect_err(
                    |why| tracing::warn!(%why, "a file of the catalogue has no usable name"),
                )
                .ok()?;
            let resolution = file.resolution.as_ref().or(dataset.resolution.as_ref());
            Some(Offer {
                data_id,
                source: file.source.as_ref().map(ToString::to_string),
                format: file.format.as_ref().map(ToString::to_string),
                size: file.size,
                resolution: resolution.cloned(),
                area: file.area.clone(),
                version: file.version.clone(),
                way: way(file, dataset),
                part: Part::File(number),
            })
        });
        offers.collect()
    }
}

fn way(file: &PrepackagedFile, dataset: &Dataset) -> Result<How, Unavailable> {
    match &file.source {
        None | Some(Word::Eea) => Ok(How::Preload),
        Some(other) => Err(Unavailable::unsupported_source(
            format!("its source is {other}, which this version can't preload from"),
            format!("see {}", page(dataset)),
        )),
    }
}

/// The job that brings a prepackaged file into the cache.
pub(crate) fn job_request(
    data_id: &DataId,
    dataset: &Dataset,
    file: &PrepackagedFile,
    options: &PreloadOptions,
) -> Result<JobRequest, InvalidDataId> {
    let order = Order::file(dataset.uid.as_str(), file.id.as_str(), &file.name);
    let mut request = JobRequest::new(data_id.to_string(), data_id.cube_name()?, order);
    request.expected_size = file.size;
    request.force = options.force;
    request.build = BuildParameters::of(dataset, file, options).into_json();
    Ok(request)
}
