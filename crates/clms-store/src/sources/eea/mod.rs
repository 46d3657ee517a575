//! The source EEA: prepackaged files, and parts that the portal cuts out of collections, also those that it has CDSE cut out; ordered from the portal
//! and preloaded by a job.

mod portal;

use clms_api::{
    DataRequest, Dataset, FileRequest, InvalidRequest, MAX_PORTAL_AREA, PartRequest,
    PartRequestBuilder, PrepackagedFile, Source as Word, TaskKind,
};
use clms_preload::{JobRequest, Order};

pub(crate) use self::portal::{Portal, download_problem};
use super::{Offer, Source, WantedSubset, collection_from, moved, page};
use crate::{
    DataId, InvalidDataId, StoreError, Subset,
    build::BuildParameters,
    catalogue::{Collection, How, NamedCollection, Unavailable, default_crs},
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
            let way = Err(Unavailable::needs_subset(&dataset.id, PARTS_ONLY));
            offers.extend(own.and_then(|own| Offer::of_collection(dataset, own, way)));
        }
        offers
    }

    /// What the portal has cut out itself, and what it has CDSE cut out.
    fn cuts(&self, from: &Word) -> bool {
        matches!(from, Word::Eea | Word::Cdse | Word::CdseCsv)
    }

    fn collection(&self, dataset: &Dataset, named: &NamedCollection<'_>) -> Collection {
        let known = Collection::uncut(dataset, named);
        let builder = match PartRequestBuilder::offline(dataset, &named.information.id) {
            Ok(builder) => builder,
            Err(why) => {
                let hint = format!("see {}", page(dataset));
                return known.cut(Some(Unavailable::no_subsets(why.to_string(), hint)));
            }
        };
        let layers = builder
            .allowed_layers()
            .map(|layer| layer.trim().to_owned());
        Collection {
            formats: builder
                .allowed_formats()
                .iter()
                .map(ToString::to_string)
                .collect(),
            default_crs: default_crs(dataset).cloned(),
            crs: dataset.projections.clone(),
            layers: layers.collect(),
            needs_time: dataset.is_time_series,
            max_days: dataset.max_days,
            max_area: Some(MAX_PORTAL_AREA),
            ..known.cut(None)
        }
    }

    /// The portal's own objections are found out from the catalogue alone.
    fn subset_job(&self, wanted: WantedSubset<'_>) -> Result<JobRequest, StoreError> {
        let WantedSubset {
            data_id,
            subset,
            dataset,
            collection,
            options,
        } = wanted;
        let part = part_request(dataset, collection, subset).map_err(|why| StoreError::Subset {
            data_id: data_id.to_string(),
            why,
        })?;
        let name = format!("{}?{subset}", collection.name);
        let parameters = serde_json::to_value(&part).unwrap_or_default();
        let content = part.content().to_string();
        let mut order = Order::part(dataset.uid.as_str(), &content, name, parameters);
        order.is_unnamed = part.kind() == TaskKind::CdseParts;
        let source = collection.information.source.clone().unwrap_or(Word::Eea);
        let mut request = JobRequest::new(data_id.to_string(), data_id.cube_name()?, order);
        request.force = options.force;
        request.build = BuildParameters::of(dataset, source, None, options).into_json();
        Ok(request)
    }
}

/// Why a collection without prepackaged files can't be had as it is.
const PARTS_ONLY: &str = "the portal gives parts of it only, which it cuts out";

fn way(file: &PrepackagedFile, dataset: &Dataset) -> Result<How, Unavailable> {
    match &file.source {
        None | Some(Word::Eea) => Ok(How::Preload),
        Some(other) => Err(moved(dataset, other).map_or_else(
            || {
                let reason =
                    format!("its source is {other}, which this version can't preload from");
                Unavailable::unsupported_source(reason, format!("see {}", page(dataset)))
            },
            Unavailable::from,
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
