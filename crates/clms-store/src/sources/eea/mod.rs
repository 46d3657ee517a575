//! The source EEA: prepackaged files, and parts that the portal cuts out of collections; ordered from the portal and preloaded by a job.

mod portal;

use clms_api::{
    DataRequest, Dataset, FileRequest, InvalidRequest, PartRequest, PartRequestBuilder,
    PrepackagedFile, Source as Word,
};
use clms_preload::{JobRequest, Order};

pub(crate) use self::portal::{Portal, download_problem};
use super::{Offer, Source, collection_from, page};
use crate::{
    DataId, InvalidDataId, StoreError, Subset,
    build::BuildParameters,
    catalogue::{Catalogue, How, NamedCollection, Unavailable, default_crs},
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
                file: Some(number),
            })
        });
        let mut offers: Vec<Offer> = offers.collect();
        if offers.is_empty() {
            let own = collection_from(dataset, &Word::Eea);
            let way = Err(Unavailable::needs_subset(&dataset.id));
            offers.extend(own.and_then(|own| Offer::of_collection(dataset, own, way)));
        }
        offers
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
    request.build =
        BuildParameters::of(dataset, Word::Eea, file.version.clone(), options).into_json();
    Ok(request)
}

/// The job that has `subset` cut out of a collection and brings it into the cache. All that the portal would object to is
/// found out here, from the catalogue alone.
pub(crate) fn subset_job_request(
    data_id: &DataId,
    subset: &Subset,
    catalogue: &Catalogue,
    options: &PreloadOptions,
) -> Result<JobRequest, StoreError> {
    let (dataset, collection) = catalogue.collection(data_id.product(), data_id.collection())?;
    let part = part_request(dataset, &collection, subset).map_err(|why| StoreError::Subset {
        data_id: data_id.to_string(),
        why,
    })?;
    let name = format!("{}?{subset}", collection.name);
    let parameters = serde_json::to_value(&part).unwrap_or_default();
    let order = Order::part(
        dataset.uid.as_str(),
        &part.content().to_string(),
        name,
        parameters,
    );
    let mut request = JobRequest::new(data_id.to_string(), data_id.cube_name()?, order);
    request.force = options.force;
    request.build = BuildParameters::of(dataset, Word::Eea, None, options).into_json();
    Ok(request)
}

fn part_request(
    dataset: &Dataset,
    collection: &NamedCollection<'_>,
    subset: &Subset,
) -> Result<PartRequest, InvalidRequest> {
    let mut builder = PartRequestBuilder::offline(dataset, &collection.information.id)?;
    if let Some(crs) = subset.crs().or(default_crs(dataset).map(String::as_str)) {
        builder = builder.crs(crs);
    }
    if let Some(area) = subset.area() {
        builder = builder.area(area.clone());
    }
    if let Some(days) = subset.days() {
        builder = builder.days(days);
    }
    if let Some(format) = subset.format() {
        builder = builder.format(format.clone());
    }
    if let Some(layer) = subset.layer() {
        builder = builder.layer(layer);
    }
    builder.build()
}

/// What is posted to the portal for an order; the error says why its parameters can't be read.
pub(crate) fn data_request(order: &Order) -> Result<DataRequest, serde_json::Error> {
    let request = DataRequest::new();
    Ok(match &order.file_id {
        Some(file_id) => request.file(FileRequest {
            dataset_uid: order.dataset_uid.as_str().into(),
            file_id: file_id.as_str().into(),
        }),
        None => request.part(serde_json::from_value(order.parameters.clone())?),
    })
}
