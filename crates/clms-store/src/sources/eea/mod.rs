//! The source EEA: prepackaged files, ordered from the portal and preloaded by a job.

mod portal;

use clms_api::{Dataset, PrepackagedFile};
use clms_preload::{JobRequest, Order};

pub(crate) use self::portal::Portal;
use crate::{DataId, InvalidDataId, build::BuildParameters, preload::PreloadOptions};

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
