//! What is special about S3: profiles, programs that give credentials, and regions.

mod process;
mod profile;
mod region;

use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

pub(crate) use self::region::WrongRegion;
use self::{process::CredentialProcess, profile::Keys, region::RegionCheck};
use crate::{CacheError, StorageOptions};

/// Everything that is known of the bucket at `url` from the environment, the user's profile and `options`, of which those
/// that are the storage's are `given` by its names.
pub(super) fn builder(
    url: &str,
    options: &StorageOptions,
    given: Vec<(AmazonS3ConfigKey, String)>,
) -> Result<AmazonS3Builder, CacheError> {
    let mut builder = AmazonS3Builder::from_env().with_url(url);
    let wanted = options.get("profile");
    let profile = profile::find(wanted)?;
    let is_open = |builder: &AmazonS3Builder, key: &AmazonS3ConfigKey| {
        // A profile that was asked for goes before the environment, and any other one behind it.
        wanted.is_some() || builder.get_config_value(key).is_none()
    };
    let has_keys = !is_open(&builder, &AmazonS3ConfigKey::AccessKeyId);
    for (key, value) in profile.settings {
        if is_open(&builder, &key) {
            builder = builder.with_config(key, value);
        }
    }
    let is_given = |key| given.iter().any(|(given, _)| *given == key);
    let needs_keys = !has_keys
        && !is_given(AmazonS3ConfigKey::AccessKeyId)
        && !is_given(AmazonS3ConfigKey::SkipSignature);
    builder = match profile.keys {
        Keys::Program(program) if needs_keys => {
            let process = CredentialProcess::new(profile.name, program);
            builder.with_credentials(Arc::new(process))
        }
        Keys::Elsewhere(why) if needs_keys => {
            return Err(CacheError::ProfileWithoutKeys {
                profile: profile.name,
                why: why.to_owned(),
            });
        }
        _ => builder,
    };
    for (key, value) in given {
        builder = builder.with_config(key, value);
    }
    let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
    Ok(builder.with_http_connector(RegionCheck::new(region)))
}
