//! Profiles: what users of S3 keep in `~/.aws/config` and `~/.aws/credentials`.

use std::{collections::BTreeMap, env, fs, io, path::PathBuf};

use object_store::aws::AmazonS3ConfigKey;

use crate::CacheError;

/// The settings of a profile that this storage can use, by the names they have there.
const SETTINGS: [(&str, AmazonS3ConfigKey); 8] = [
    ("aws_access_key_id", AmazonS3ConfigKey::AccessKeyId),
    ("aws_secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
    ("aws_session_token", AmazonS3ConfigKey::Token),
    ("region", AmazonS3ConfigKey::Region),
    ("endpoint_url", AmazonS3ConfigKey::Endpoint),
    ("request_payer", AmazonS3ConfigKey::RequestPayer),
    ("role_arn", AmazonS3ConfigKey::RoleArn),
    (
        "web_identity_token_file",
        AmazonS3ConfigKey::WebIdentityTokenFile,
    ),
];

/// What a profile says.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) settings: Vec<(AmazonS3ConfigKey, String)>,
    pub(super) keys: Keys,
}

/// Where the keys of a profile are to be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Among its settings, or nowhere.
    Here,
    /// From what that command line prints.
    Program(String),
    /// Where they are not asked for here.
    Elsewhere(&'static str),
}

/// The profile `wanted`, or else the one that the environment names, or else `default`, which need not be there.
pub(super) fn find(wanted: Option<&str>) -> Result<Profile, CacheError> {
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
    let (is_there, found) = entries(&texts, name);
    if profile.is_some() && !is_there {
        return Err(CacheError::InvalidOption {
            key: "profile".to_owned(),
            why: format!("there is no profile {name:?} in ~/.aws/config or ~/.aws/credentials"),
        });
    }
    Ok(understood(name, found))
}

/// What those entries of the profile `name` mean.
fn understood(name: &str, mut entries: BTreeMap<String, String>) -> Profile {
    let has = |key: &str| entries.contains_key(key);
    // In the order in which the provider's own software asks them.
    let keys = if has("role_arn") && !has("web_identity_token_file") {
        Keys::Elsewhere("it takes on a role (role_arn)")
    } else if has("sso_session") || has("sso_start_url") || has("login_session") {
        Keys::Elsewhere("it uses single sign-on")
    } else if has("aws_access_key_id") {
        Keys::Here
    } else {
        entries
            .remove("credential_process")
            .map_or(Keys::Here, Keys::Program)
    };
    let mut settings = Vec::new();
    for (key, setting) in SETTINGS {
        // Keys of somebody whose role is taken on are not this profile's.
        let is_about_keys = key.starts_with("aws_") || key == "role_arn";
        if !(is_about_keys && matches!(keys, Keys::Elsewhere(_)))
            && let Some(value) = entries.remove(key)
        {
            settings.push((setting, value));
        }
    }
    Profile {
        name: name.to_owned(),
        settings,
        keys,
    }
}

fn file(variable: &str, name: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".aws").join(name)))
}

/// Whether there is that profile in any of the files, and its entries; those of later files count.
fn entries(texts: &[String], name: &str) -> (bool, BTreeMap<String, String>) {
    let mut is_there = false;
    let mut found = BTreeMap::new();
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
            {
                found.insert(key.trim().to_owned(), value.trim().to_owned());
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
        let (is_there, work) = entries(&texts, "work");
        assert!(is_there);
        let work = understood("work", work);
        assert_eq!(
            work.settings,
            [
                (AmazonS3ConfigKey::AccessKeyId, "BBB".to_owned()),
                (AmazonS3ConfigKey::SecretAccessKey, "a=b/c".to_owned()),
                (AmazonS3ConfigKey::Region, "eu-central-1".to_owned()),
            ]
        );
        assert_eq!(work.keys, Keys::Here);
        assert!(!entries(&texts, "nobody").0);
        assert_eq!(entries(&texts, "default").1.len(), 2);
    }

    #[test]
    fn where_keys_are_to_be_had_is_seen() {
        let of = |text: &str| {
            let texts = [format!("[profile work]\n{text}\nregion = eu-central-1\n")];
            let found = understood("work", entries(&texts, "work").1);
            let settings: Vec<_> = found.settings.into_iter().map(|(key, _)| key).collect();
            (found.keys, settings)
        };
        let region = vec![AmazonS3ConfigKey::Region];
        let program = of("credential_process = vault read -x 'a b'");
        assert_eq!(
            program,
            (
                Keys::Program("vault read -x 'a b'".to_owned()),
                region.clone()
            )
        );
        for text in [
            "role_arn = arn:aws:iam::1:role/r\nsource_profile = base",
            "role_arn = arn:aws:iam::1:role/r\nsource_profile = work\naws_access_key_id = A",
            "sso_session = corp\nsso_account_id = 1",
            "sso_start_url = https://corp\ncredential_process = other",
        ] {
            let (keys, settings) = of(text);
            assert!(matches!(keys, Keys::Elsewhere(_)), "{text}: {keys:?}");
            assert_eq!(settings, region, "{text}");
        }
        let token = "role_arn = arn:aws:iam::1:role/r\nweb_identity_token_file = /token";
        assert_eq!(of(token).0, Keys::Here);
        assert_eq!(of(token).1.len(), 3);
    }
}
