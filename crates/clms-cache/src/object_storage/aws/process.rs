//! Credentials from a program, which a profile names as its `credential_process`: the way to single sign-on, roles and vaults.
//!
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>.

use std::{process::Stdio, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use object_store::{CredentialProvider, Error, Result, aws::AwsCredential};
use serde::Deserialize;
use tokio::{process::Command, sync::Mutex};

/// Credentials are asked for anew when they are valid for no longer than this.
const MARGIN: Duration = Duration::from_secs(300);

/// More of what a program says about its failure is not shown.
const MAX_WORDS: usize = 500;

/// A program that prints credentials, which are kept until they expire.
#[derive(Debug)]
pub(super) struct CredentialProcess {
    profile: String,
    program: String,
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    credential: Arc<AwsCredential>,
    /// `None` for those that never expire.
    until: Option<Timestamp>,
}

/// What the program prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

impl CredentialProcess {
    /// The command line `program`, which the profile of that name has.
    pub(super) fn new(profile: String, program: String) -> Self {
        Self {
            profile,
            program,
            known: Mutex::default(),
        }
    }

    async fn run(&self) -> Result<Known> {
        let failed = |why: String| Error::Unauthenticated {
            path: format!("credential_process of the profile {:?}", self.profile),
            source: why.into(),
        };
        // As the provider's own software runs it.
        let (shell, flag) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let output = Command::new(shell)
            .args([flag, &self.program])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|why| failed(why.to_string()))?;
        if !output.status.success() {
            // Its standard output may hold secrets.
            let said = String::from_utf8_lossy(&output.stderr);
            let said: String = said.trim().chars().take(MAX_WORDS).collect();
            return Err(failed(format!("it ended with {}: {said}", output.status)));
        }
        // Nor is shown what could not be understood.
        let printed: Printed = serde_json::from_slice(&output.stdout)
            .map_err(|_| failed("what it printed is no JSON of credentials".to_owned()))?;
        if printed.version != 1 {
            return Err(failed(format!(
                "it printed version {} of credentials, and only 1 is known",
                printed.version
            )));
        }
        Ok(Known {
            credential: Arc::new(AwsCredential {
                key_id: printed.access_key_id,
                secret_key: printed.secret_access_key,
                token: printed.session_token,
            }),
            until: printed.expiration,
        })
    }
}

impl Known {
    fn is_fresh(&self) -> bool {
        let soon = Timestamp::now() + MARGIN;
        self.until.is_none_or(|until| soon < until)
    }
}

#[async_trait]
impl CredentialProvider for CredentialProcess {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        // One asks, the others wait for its answer.
        let mut known = self.known.lock().await;
        let fresh = known.as_ref().filter(|known| known.is_fresh());
        let credential = match fresh {
            Some(known) => Arc::clone(&known.credential),
            None => Arc::clone(&known.insert(self.run().await?).credential),
        };
        Ok(credential)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn process(program: String) -> CredentialProcess {
        CredentialProcess::new("work".to_owned(), program)
    }

    #[tokio::test]
    async fn what_it_prints_is_kept_until_it_expires() {
        for (expiration, runs) in [
            ("", 1),
            (r#","Expiration":"2999-01-01T00:00:00Z""#, 1),
            (r#","Expiration":"2000-01-01T00:00:00Z""#, 3),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let log = folder.path().join("log");
            let credentials = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"hush""#;
            let print = format!(
                "echo '{credentials}{expiration}}}'; echo run >> {}",
                log.display()
            );
            let process = process(print);
            for _ in 0..3 {
                let credential = process.get_credential().await.unwrap();
                assert_eq!(credential.key_id, "A");
                assert_eq!(credential.secret_key, "hush");
            }
            let lines = std::fs::read_to_string(&log).unwrap().lines().count();
            assert_eq!(lines, runs, "{expiration}");
            assert!(!format!("{process:?}").contains("\"hush\""));
        }
    }

    #[tokio::test]
    async fn its_failure_is_told_without_what_it_printed() {
        for (program, told) in [
            (
                "echo hush; echo the session has expired >&2; exit 3",
                "the session has expired",
            ),
            ("echo hush", "no JSON"),
            (
                r#"echo '{"Version":2,"AccessKeyId":"A","SecretAccessKey":"hush"}'"#,
                "version 2",
            ),
        ] {
            let error = process(program.to_owned())
                .get_credential()
                .await
                .unwrap_err();
            let error = crate::CacheError::from(error);
            let text = error.to_string();
            assert!(text.contains(told) && text.contains("\"work\""), "{text}");
            assert!(!text.contains("hush"), "{text}");
            assert!(error.is_about_credentials() && error.hint().is_some());
        }
    }
}
