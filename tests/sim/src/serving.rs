//! What all simulated servers do alike: they take connections, and send what was decided.

use std::net::TcpListener;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method};
use axum::response::Response;

use crate::answer::Reply;
use crate::downloads;
use crate::wire::{Exchange, Line};

/// Largest body of a request; real ones are far smaller.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// Serves until `stop` resolves; handlers find their [`Line`] as what they are connected by.
pub(crate) async fn serve(router: Router, listener: TcpListener, stop: impl Future<Output = ()>) {
    let service = router.into_make_service_with_connect_info::<Line>();
    let served = async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(Exchange(listener), service).await
    };
    tokio::select! {
        result = served => {
            if let Err(error) = result {
                tracing::error!(%error, "a simulated server has stopped");
            }
        }
        () = stop => {}
    }
}

/// The answer that a reply becomes, in its time.
pub(crate) async fn response_of(reply: Reply, headers: &HeaderMap) -> Response {
    match reply {
        Reply::Answer(response) => response,
        Reply::Late(response, delay) => {
            tokio::time::sleep(delay).await;
            response
        }
        Reply::File(delivery) => downloads::send(*delivery, headers).await,
    }
}

/// What is sent of an answer: its head alone to who asked for no more.
pub(crate) fn as_asked(method: &Method, response: Response) -> Response {
    if method != Method::HEAD {
        return response;
    }
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Body::empty())
}
