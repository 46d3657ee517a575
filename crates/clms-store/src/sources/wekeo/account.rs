//! Whose account is used at WEkEO.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

/// An account of WEkEO. Nothing shows its password.
#[derive(Clone)]
pub struct Account {
    username: String,
    password: SecretString,
}

/// What a user has said about WEkEO: an account, and a broker other than the real one.
#[derive(Debug, Clone, Default)]
pub struct WekeoSettings {
    /// The account.
    pub account: Option<Account>,
    /// The broker's address.
    pub broker: Option<String>,
    /// Whether terms may be accepted in the account's name.
    pub accepts_terms: bool,
}

/// The account's file can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the WEkEO account in {} can't be read: {source}", path.display())]
pub struct AccountFileError {
    path: PathBuf,
    source: io::Error,
}

impl AccountFileError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some("make the file readable for you, or set WEKEO_USERNAME and WEKEO_PASSWORD".to_owned())
    }
}

impl Account {
    /// The account of that name and password.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }

    /// The name, which is no secret.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    pub(super) fn password(&self) -> &SecretString {
        &self.password
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl WekeoSettings {
    /// What the environment says (`WEKEO_USERNAME`, `WEKEO_PASSWORD`, `WEKEO_URL`, `WEKEO_ACCEPT_TERMS=1`), and for what it does not say the file
    /// of WEkEO's own clients: `HDA_RC`, or `~/.hdarc`. A file that is not there says nothing.
    ///
    /// # Errors
    /// [`AccountFileError`] if the file is there, is needed, and can't be read.
    pub fn from_env() -> Result<Self, AccountFileError> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut settings = Self {
            account: None,
            broker: set("WEKEO_URL"),
            accepts_terms: set("WEKEO_ACCEPT_TERMS")
                .is_some_and(|word| ["1", "true", "yes"].contains(&word.as_str())),
        };
        if let (Some(username), Some(password)) = (set("WEKEO_USERNAME"), set("WEKEO_PASSWORD")) {
            settings.account = Some(Account::new(username, password));
            return Ok(settings);
        }
        let home = || Some(PathBuf::from(set("HOME")?).join(".hdarc"));
        if let Some(path) = set("HDA_RC").map(PathBuf::from).or_else(home) {
            let of_file = Self::from_file(&path)?;
            settings.account = of_file.account;
            settings.broker = settings.broker.or(of_file.broker);
        }
        Ok(settings)
    }

    /// What a file in the form of WEkEO's own clients says: lines of `user: name`, `password: word`, and perhaps `url: address`.
    ///
    /// # Errors
    /// [`AccountFileError`] if it is there and can't be read.
    pub fn from_file(path: &Path) -> Result<Self, AccountFileError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::from_lines(&text)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(AccountFileError {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn from_lines(text: &str) -> Self {
        let value = |name: &str| {
            let mut found = text.lines().filter_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key.trim() == name).then(|| value.trim())
            });
            found.find(|value| !value.is_empty())
        };
        let account = value("user").zip(value("password"));
        Self {
            account: account.map(|(user, password)| Account::new(user, password.to_owned())),
            // That of the API's first version was switched off; many a file still has it.
            broker: value("url")
                .filter(|url| !url.contains("databroker"))
                .map(str::to_owned),
            accepts_terms: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_file_of_other_clients_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".hdarc");
        std::fs::write(
            &path,
            "url: https://h/hda-broker\nuser: me\npassword: a:b c \n",
        )
        .unwrap();
        let settings = WekeoSettings::from_file(&path).unwrap();
        let account = settings.account.unwrap();
        assert_eq!(account.username(), "me");
        assert_eq!(account.password().expose_secret(), "a:b c");
        assert_eq!(settings.broker.as_deref(), Some("https://h/hda-broker"));
        assert!(!format!("{account:?}").contains("a:b"));

        std::fs::write(&path, "url: https://old/databroker\nuser: me\n").unwrap();
        let settings = WekeoSettings::from_file(&path).unwrap();
        assert!(settings.account.is_none() && settings.broker.is_none());
        let nothing = WekeoSettings::from_file(&folder.path().join("none")).unwrap();
        assert!(nothing.account.is_none());
        let error = WekeoSettings::from_file(folder.path()).unwrap_err();
        assert!(error.to_string().contains("can't be read"));
    }
}
