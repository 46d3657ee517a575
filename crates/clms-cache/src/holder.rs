//! Who works on a cube, as others are told who wait for it.

/// This process, such as `process 4711 on host alpha`: what holders of leases say about themselves unless they know better.
#[must_use]
pub fn this_process() -> String {
    let process = std::process::id();
    match host() {
        Some(host) => format!("process {process} on host {host}"),
        None => format!("process {process}"),
    }
}

/// The machine's name, where a cache may be shared with other machines.
fn host() -> Option<String> {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    (!name.is_empty()).then_some(name)
}
