//! Profiles: what users of S3 keep in `~/.aws/config` and `~/.aws/credentials`.

use std::{env, fs, io, path::PathBuf};

use object_store::aws::AmazonS3ConfigKey;

use crate::CacheError;

/// The settings of a profile that this storage can use, by the names they have there.
const SETTINGS: [(&str, AmazonS3ConfigKey); 6] = [
    ("aws_access_key_id", AmazonS3ConfigKey::AccessKeyId),
    ("aws_secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
    ("aws_session_token", AmazonS3ConfigKey::Token),
    ("region", AmazonS3ConfigKey::Region),
    ("endpoint_url", AmazonS3ConfigKey::Endpoint),
    ("request_payer", AmazonS3ConfigKey::RequestPayer),
];

/// The settings of the profile `wanted`, or else of the one that the environment names, or else of `default`.
///
/// Static keys are used; what a profile says of roles, single sign-on and programs to run is not.
pub(super) fn settings(
    wanted: Option<&str>,
) -> Result<Vec<(AmazonS3ConfigKey, String)>, CacheError> {
    let named = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    let profile = wanted.map(str::to_owned).or(named);
    let files = [
        file("AWS_CONFIG_FILE", "config"),
        file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ];
    let mut texts = Vec::new();
    for path in files.into_iter().flatten() {
        match fs::read_to_string(&path) {
            Ok(text) => texts.push(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(CacheError::InvalidOption {
                    key: "profile".to_owned(),
                    why: format!("{} cannot be read: {error}", path.display()),
                });
            }
        }
    }
    let name = profile.as_deref().unwrap_or("default");
    let (is_there, found) = of_profile(&texts, name);
    if profile.is_some() && !is_there {
        return Err(CacheError::InvalidOption {
            key: "profile".to_owned(),
            why: format!("there is no profile {name:?} in ~/.aws/config or ~/.aws/credentials"),
        });
    }
    Ok(found)
}

fn file(variable: &str, name: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".aws").join(name)))
}

/// Whether there is that profile in any of the files, and its settings; those of later files count.
fn of_profile(texts: &[String], name: &str) -> (bool, Vec<(AmazonS3ConfigKey, String)>) {
    let mut is_there = false;
    let mut found: Vec<(AmazonS3ConfigKey, String)> = Vec::new();
    for text in texts {
        let mut is_meant = false;
        for line in text.lines() {
            if let Some(section) = line.trim().strip_prefix('[') {
                let section = section.trim_end_matches(']').trim();
                is_meant = section.strip_prefix("profile ").unwrap_or(section).trim() == name;
                is_there |= is_meant;
            } else if is_meant
                // What is indented belongs to the setting above, and lines of comment to nothing.
                && !line.starts_with([' ', '\t', '#', ';'])
                && let Some((key, value)) = line.split_once('=')
                && let Some((_, key)) = SETTINGS.iter().find(|(name, _)| *name == key.trim())
            {
                found.retain(|(earlier, _)| earlier != key);
                found.push((*key, value.trim().to_owned()));
            }
        }
    }
    (is_there, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_that_is_meant_is_read_and_no_other() {
        let config = "[default]\nregion = eu-west-1\n\n[profile work]\nregion=eu-central-1\n\
            s3 =\n  endpoint_url = http://nested\n# region = comment\n"
            .to_owned();
        let credentials = "[default]\naws_access_key_id = AAA\n[work]\naws_access_key_id = BBB\n\
            aws_secret_access_key = a=b/c\n[other]\naws_access_key_id = CCC\n"
            .to_owned();
        let texts = [config, credentials];
        let (is_there, work) = of_profile(&texts, "work");
        assert!(is_there);
        assert_eq!(
            work,
            [
                (AmazonS3ConfigKey::Region, "eu-central-1".to_owned()),
                (AmazonS3ConfigKey::AccessKeyId, "BBB".to_owned()),
                (AmazonS3ConfigKey::SecretAccessKey, "a=b/c".to_owned()),
            ]
        );
        assert!(!of_profile(&texts, "nobody").0);
        assert_eq!(of_profile(&texts, "default").1.len(), 2);
    }
}
