//! Makes sure that there is a Python in which tests can make their environments.

use crate::{
    apt,
    process::{Result, step},
};

/// The oldest that `tests/interop/requirements.txt` installs on.
const OLDEST: (u32, u32) = (3, 11);

pub(crate) fn ensure() -> Result {
    let version = python("import sys; print('%d %d' % sys.version_info[:2])")
        .ok_or("python3 is not on this machine; the interoperability tests need it")?;
    let mut numbers = version.split(' ').map_while(|number| number.parse().ok());
    if (numbers.next(), numbers.next()) < (Some(OLDEST.0), Some(OLDEST.1)) {
        return Err(format!(
            "python3 is Python {}; the interoperability tests need {}.{} or newer",
            version.replace(' ', "."),
            OLDEST.0,
            OLDEST.1
        ));
    }
    // Debian's own Python comes without what makes environments.
    if python("import ensurepip, venv").is_none() {
        apt::install(&["python3-venv"]).unwrap_or_else(|| {
            Err("python3 can't make environments: install the package python3-venv".to_owned())
        })?;
    }
    Ok(())
}

fn python(program: &str) -> Option<String> {
    step("python3").args(["-c", program]).output()
}
