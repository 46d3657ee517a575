//! With its own GDAL in it, the program has the C++ runtime in it, too: it shall run where neither is installed.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=CXX");
    let bundled = env::var_os("CARGO_FEATURE_BUNDLED_GDAL").is_some();
    let linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if !(bundled && linux) {
        return Ok(());
    }
    let Some((library, out)) = static_runtime().zip(env::var_os("OUT_DIR")) else {
        return Ok(());
    };
    // GDAL and its libraries ask for `-lstdc++`, which the linker takes from the first folder that has it in any form: a
    // folder that has the static form only.
    let folder = Path::new(&out).join("runtime");
    fs::create_dir_all(&folder)?;
    fs::copy(library, folder.join("libstdc++.a"))?;
    println!("cargo::rustc-link-search=native={}", folder.display());
    Ok(())
}

/// Where the compiler has its static C++ runtime; `None` where it has none, and the program needs the shared one.
fn static_runtime() -> Option<PathBuf> {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let told = Command::new(compiler)
        .arg("-print-file-name=libstdc++.a")
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8(told.stdout).ok()?.trim());
    // A compiler that has none repeats the name.
    path.is_absolute().then_some(path)
}
