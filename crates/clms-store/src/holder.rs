//! Who works on a cube, as others are told who wait for it.

/// This process, such as `clms, process 4711 on host alpha`.
pub(crate) fn this_process() -> String {
    let process = std::process::id();
    match host() {
        Some(host) => format!("clms, process {process} on host {host}"),
        None => format!("clms, process {process}"),
    }
}

/// The machine's name, where a cache may be shared with other machines.
fn host() -> Option<String> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    (!name.is_empty()).then(|| name.into_owned())
}
