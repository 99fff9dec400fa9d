//! Bodies, up to a limit.

use futures::StreamExt;
use worker::{ByteStream, Request, Result};

/// The largest body of a push: 10 MB. What commercetools sends is below 256 kB, but a broker may
/// batch.
const PUSH_LIMIT: usize = 10 * 1024 * 1024;

/// The body of a push, or none if it is too large.
pub(super) async fn of_push(request: &mut Request) -> Result<Option<Vec<u8>>> {
    collect(request.stream(), PUSH_LIMIT).await
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
