//! Fetching the products of a query into one package.

use std::{
    io,
    path::{Path, PathBuf},
};

use clms_api::{DownloadError, RetryPolicy};
use clms_preload::{Meter, Problem, ProblemKind};
use tokio_util::sync::CancellationToken;

use super::{
    HdaError, OrderStatus, WekeoSource,
    hda::Product,
    ledger::QueryOrders,
    ordering::{Hindrance, give_up},
    stored_zip::StoredZip,
};
use crate::sources::eea::download_problem;

/// Where a package is being made, and who wants to know of it.
struct Fetch<'a> {
    /// The product that is arriving; the package's neighbour.
    part: PathBuf,
    meter: &'a Meter,
    cancel: &'a CancellationToken,
    /// Bytes of all products together, if all are known.
    total: Option<u64>,
}

impl WekeoSource {
    /// Fetches all products into the zip `into`, or those that are not in it, and orders those that have not been. Gives its length.
    pub(super) async fn fetch(
        &self,
        mut orders: QueryOrders,
        into: &Path,
        meter: &Meter,
        cancel: &CancellationToken,
    ) -> Result<u64, Problem> {
        let mut part = into.as_os_str().to_owned();
        part.push(".product");
        let sizes = orders.products.iter().map(|ordered| ordered.product.size);
        let fetch = Fetch {
            part: part.into(),
            meter,
            cancel,
            total: sizes.sum(),
        };
        let path = into.to_owned();
        let mut package = on_disk(into, move || StoredZip::open(&path)).await?;
        for index in 0..orders.products.len() {
            let product = orders.products[index].product.clone();
            if package.has(&product.id) {
                continue;
            }
            let bytes = self
                .fetch_one(&mut orders, index, package.len(), &fetch)
                .await?;
            tracing::debug!(product = product.id, bytes, "a product has arrived");
            let part = fetch.part.clone();
            package = on_disk(into, move || {
                let name = name_of(&product, &part)?;
                package.append(&product.id, &name, &part)?;
                std::fs::remove_file(&part)?;
                Ok(package)
            })
            .await?;
        }
        on_disk(into, move || package.finish()).await
    }

    /// Fetches one product into the part file, however many orders that takes.
    async fn fetch_one(
        &self,
        orders: &mut QueryOrders,
        index: usize,
        done: u64,
        fetch: &Fetch<'_>,
    ) -> Result<u64, Problem> {
        loop {
            if fetch.cancel.is_cancelled() {
                return Err(interrupted());
            }
            let Some(id) = orders.products[index].download_id.clone() else {
                // Not to be broken off: an order whose answer nobody hears is the worst.
                match self.order_more(orders, index).await {
                    // What hinders others does not hinder this one.
                    Err(_) if orders.products[index].download_id.is_some() => {}
                    Err(Hindrance::Unclear(problem)) => return Err(problem.with_retryable(true)),
                    Err(Hindrance::Refused(problem)) => return Err(problem),
                    Ok(()) => {}
                }
                continue;
            };
            let lost = match self.client.is_ready(&id).await {
                Ok(Some(true)) => match self.fetch_file(&id, done, fetch).await {
                    Ok(bytes) => return Ok(bytes),
                    Err(problem) if problem.kind.blames_link() => problem.message,
                    Err(problem) => return Err(problem),
                },
                Ok(Some(false)) => {
                    tokio::select! {
                        biased;
                        () = fetch.cancel.cancelled() => return Err(interrupted()),
                        () = tokio::time::sleep(self.options.pause) => continue,
                    }
                }
                Ok(None) => "its file is gone".to_owned(),
                // So it is for an order that failed.
                Err(why @ HdaError::Server { .. }) => match self.client.order_state(&id).await? {
                    Some(order) if order.status == OrderStatus::Failed => {
                        order.message.unwrap_or_else(|| why.to_string())
                    }
                    _ => return Err(why.into()),
                },
                Err(why) => return Err(why.into()),
            };
            tracing::info!(
                product = orders.products[index].product.id,
                lost,
                "ordered anew"
            );
            let given_up = give_up(&mut orders.products[index], Some(&lost));
            self.ledger.write(orders).await?;
            given_up?;
        }
    }

    async fn fetch_file(&self, id: &str, done: u64, fetch: &Fetch<'_>) -> Result<u64, Problem> {
        let (meter, total) = (fetch.meter.clone(), fetch.total);
        // Pauses and further attempts are the engine's.
        let request = self
            .files
            .download(&self.client.file_url(id), &fetch.part)
            .any_kind()
            .bearer(self.client.bearer().await?)
            .retry(RetryPolicy::none())
            .cancel_on(fetch.cancel.clone())
            .on_progress(move |progress| {
                let done = done + progress.bytes;
                meter.bytes(done, total.map(|total| total.max(done)));
            });
        match request.run().await {
            Ok(downloaded) => Ok(downloaded.bytes),
            Err(
                why @ DownloadError::LinkDead {
                    status: 404 | 410, ..
                },
            ) => Err(download_problem(&why)),
            Err(why) => {
                let problem = download_problem(&why);
                // A web page, or a token that has just expired, says nothing of the file.
                Err(match problem.kind.blames_link() {
                    true => Problem::new(ProblemKind::ServerError, problem.message),
                    false => problem,
                })
            }
        }
    }
}

fn interrupted() -> Problem {
    Problem::new(
        ProblemKind::Interrupted,
        "stopped while products were fetched",
    )
}

/// Work on the disk, on a thread for such.
async fn on_disk<T: Send + 'static>(
    into: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let doing = format!("write {}", into.display());
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(why)) => Err(Problem::from_io(&doing, &why)),
        Err(why) => Err(Problem::new(
            ProblemKind::Internal,
            format!("to {doing} broke down: {why}"),
        )),
    }
}

/// What a product's file is called in the package: as in the archive, with the ending that its content asks for.
fn name_of(product: &Product, file: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut head = [0; 8];
    let mut read = 0;
    let mut file = std::fs::File::open(file)?;
    while read < head.len() {
        match file.read(&mut head[read..])? {
            0 => break,
            more => read += more,
        }
    }
    let address = product.location.split(['?', '#']).next();
    let last = address.and_then(|address| address.trim_end_matches('/').rsplit('/').next());
    let name = last.filter(|name| !name.is_empty()).unwrap_or(&product.id);
    let endings = endings(&head);
    let has_ending = endings.iter().any(|ending| {
        let at = name.len().checked_sub(ending.len());
        at.and_then(|at| name.get(at..))
            .is_some_and(|own| own.eq_ignore_ascii_case(ending))
    });
    Ok(match endings.first() {
        Some(ending) if !has_ending => format!("{name}{ending}"),
        _ => name.to_owned(),
    })
}

/// The endings of a file that begins so; none for what is unknown.
fn endings(head: &[u8]) -> &'static [&'static str] {
    const BEGINNINGS: [(&[u8], &[&str]); 7] = [
        (b"PK\x03\x04", &[".zip"]),
        (b"II*\0", &[".tif", ".tiff"]),
        (b"MM\0*", &[".tif", ".tiff"]),
        (b"II+\0", &[".tif", ".tiff"]),
        (b"MM\0+", &[".tif", ".tiff"]),
        (b"\x89HDF", &[".nc", ".nc4"]),
        (b"CDF", &[".nc", ".nc4"]),
    ];
    let mut found = BEGINNINGS
        .iter()
        .filter(|(beginning, _)| head.starts_with(beginning));
    found.next().map_or(&[], |(_, endings)| *endings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_endings_that_the_content_asks_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        for (id, location, content, name) in [
            (
                "p",
                "https://h/a/FSC_1.zip?x=1",
                &b"PK\x03\x04"[..],
                "FSC_1.zip",
            ),
            ("p", "https://h/a/FSC_1", b"PK\x03\x04", "FSC_1.zip"),
            ("p.tif", "", b"II*\0....", "p.tif"),
            ("p", "eodata/x/VPP.TIFF/", b"MM\0*", "VPP.TIFF"),
            ("p", "c_gls_NDVI", b"\x89HDF\r\n\x1a\n", "c_gls_NDVI.nc"),
            ("p", "readme.txt", b"hm", "readme.txt"),
        ] {
            let product = Product {
                id: id.to_owned(),
                location: location.to_owned(),
                size: None,
                start: None,
                end: None,
            };
            std::fs::write(&path, content).unwrap();
            assert_eq!(name_of(&product, &path).unwrap(), name);
        }
    }
}
