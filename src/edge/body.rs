//! Bodies, up to a limit.

use futures::StreamExt;
use worker::{ByteStream, Request, Result};

/// The largest body: 10 MB. What commercetools pushes is below 256 kB, but a broker may batch; the
/// list of an import may name any number of records.
const LIMIT: usize = 10 * 1024 * 1024;

/// The body of a request, or none if it is too large.
pub(super) async fn whole(request: &mut Request) -> Result<Option<Vec<u8>>> {
    collect(request.stream(), LIMIT).await
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
