//! What a program needs of the machine that it runs on.

use std::path::Path;

use crate::process::{Result, step};

/// The C library's parts, the dynamic linker, and what the compiler's runtime consists of where C++ is linked statically.
const EVERYWHERE: [&str; 7] = [
    "libc.so",
    "libm.so",
    "libgcc_s.so",
    "libdl.so",
    "libpthread.so",
    "librt.so",
    "ld-linux",
];

/// Fails if the program needs a library that is not on every Linux, and says from which version of glibc on it runs.
pub(super) fn only_what_every_linux_has(program: &Path) -> Result {
    let needed = libraries(program)?;
    let foreign: Vec<&str> = needed
        .iter()
        .map(String::as_str)
        .filter(|name| !EVERYWHERE.iter().any(|known| name.starts_with(known)))
        .collect();
    if !foreign.is_empty() {
        return Err(format!(
            "{} needs {}, which is not on every machine",
            program.display(),
            foreign.join(", ")
        ));
    }
    let (major, minor) = newest_glibc(program)?;
    println!("needs glibc {major}.{minor} and {}", needed.join(", "));
    Ok(())
}

/// The shared libraries that it names.
fn libraries(program: &Path) -> Result<Vec<String>> {
    let dynamic = step("readelf")
        .args(["--dynamic", "--wide"])
        .args([program])
        .output()
        .ok_or_else(|| format!("readelf can't read {}", program.display()))?;
    Ok(dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned()))
        .collect())
}

/// The newest version of glibc of which it uses a symbol.
fn newest_glibc(program: &Path) -> Result<(u32, u32)> {
    step("objdump")
        .args(["--dynamic-syms", "--wide"])
        .args([program])
        .output()
        .as_deref()
        .and_then(newest_version)
        .ok_or_else(|| format!("objdump finds no version of glibc in {}", program.display()))
}

fn newest_version(symbols: &str) -> Option<(u32, u32)> {
    symbols
        .split("GLIBC_")
        .skip(1)
        .filter_map(|rest| {
            let version = rest.split([')', ' ']).next()?;
            let mut numbers = version.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::newest_version;

    #[test]
    fn versions_are_compared_as_numbers() {
        let symbols = "\
0000000000000000      DF *UND*  0000000000000000 (GLIBC_2.2.5) read
0000000000000000      DF *UND*  0000000000000000 (GLIBC_2.34) pthread_create
0000000000000000      DF *UND*  0000000000000000 (GLIBC_2.9)  pipe2
0000000000000000  w   D  *UND*  0000000000000000  Base        __gmon_start__";
        assert_eq!(newest_version(symbols), Some((2, 34)));
        assert_eq!(newest_version("statically linked"), None);
    }
}
