//! Bodies, up to a limit.

use futures::StreamExt;
use worker::{ByteStream, Request, Result};

use crate::inflate::inflated;

/// The largest body: 10 MB, as it comes and inflated. What commercetools pushes is below 256 kB, but a broker may batch; the
/// list of an import may name any number of records.
const LIMIT: usize = 10 * 1024 * 1024;

/// The body of a request, inflated where it is compressed, or none if it is too large.
pub(super) async fn whole(request: &mut Request) -> Result<Option<Vec<u8>>> {
    let body = collect(request.stream(), LIMIT).await?;
    Ok(body.and_then(|body| inflated(body, LIMIT)))
}

/// The largest body of somebody who is not known: 1 MB. A message of Amazon SNS has 256 KB at most, and may be
/// escaped, which is up to three times as long.
const STRANGERS_LIMIT: usize = 1024 * 1024;

/// The body of a request of which nobody knows who sent it, or none if it is too large. It is not inflated
/// beyond that either: a few kB of gzip are 10 MB of zeros.
pub(super) async fn of_stranger(request: &mut Request) -> Result<Option<Vec<u8>>> {
    let body = collect(request.stream(), STRANGERS_LIMIT).await?;
    Ok(body.and_then(|body| inflated(body, STRANGERS_LIMIT)))
}

/// All of a stream, or none if it is too large. It is read to its end in any case: a sender that
/// is still writing when it is answered sees a broken connection and not the answer.
pub(super) async fn collect(stream: Result<ByteStream>, limit: usize) -> Result<Option<Vec<u8>>> {
    let mut body = Some(Vec::new());
    // What has no body has no stream.
    let Ok(mut stream) = stream else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        body = body.filter(|body| body.len() + chunk.len() <= limit);
        if let Some(body) = &mut body {
            body.extend(chunk);
        }
    }
    Ok(body)
}
