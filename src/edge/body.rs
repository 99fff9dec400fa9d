//! Bodies, up to a limit: what is pushed, and what is answered.

use futures::StreamExt;
use worker::{ByteStream, Headers, Request, Response, Result};

use crate::inflate::inflated;

/// The largest body: 10 MB, as it comes and inflated. What commercetools pushes is below 256 kB, but a broker may batch; the
/// list of an import may name any number of records.
const LIMIT: usize = 10 * 1024 * 1024;

/// The body of a request, inflated where it is compressed, or none if it is too large.
pub(super) async fn whole(request: &mut Request) -> Result<Option<Vec<u8>>> {
    up_to(request, LIMIT).await
}

/// The largest body of somebody who is not known: 1 MB. A message of Amazon SNS has 256 KB at most, and may be
/// escaped, which is up to three times as long.
const STRANGERS_LIMIT: usize = 1024 * 1024;

/// The body of a request of which nobody knows who sent it, or none if it is too large. It is not inflated
/// beyond that either: a few kB of gzip are 10 MB of zeros.
pub(super) async fn of_stranger(request: &mut Request) -> Result<Option<Vec<u8>>> {
    up_to(request, STRANGERS_LIMIT).await
}

async fn up_to(request: &mut Request, limit: usize) -> Result<Option<Vec<u8>>> {
    // The platform holds a sender to the length that it names.
    let length = request.headers().get("Content-Length")?;
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    let body = match length {
        Some(length) if length <= limit => Some(request.bytes().await?),
        _ => collect(request.stream(), limit).await?,
    };
    Ok(body.and_then(|body| inflated(body, limit)))
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

/// What was read of the body of an answer.
pub(super) struct ReadBody {
    pub(super) bytes: Vec<u8>,
    /// Whether that is all of it.
    pub(super) is_whole: bool,
}

/// By how much deflate compresses at most (zlib's technical details, "Maximum Compression Factor").
const MOST_COMPRESSION: usize = 1_032;

/// The body of an answer, up to so many bytes. In one piece if it is known to be within them, which
/// costs much less than piece by piece.
pub(super) async fn beginning(response: &mut Response, most: usize) -> Result<ReadBody> {
    if longest(response.headers())?.is_some_and(|bytes| bytes <= most) {
        return Ok(ReadBody { bytes: response.bytes().await?, is_whole: true });
    }
    let mut bytes = Vec::new();
    // What has no body has no stream.
    let Ok(mut stream) = response.stream() else { return Ok(ReadBody { bytes, is_whole: true }) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        let left = most - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(left)]);
        if chunk.len() > left {
            return Ok(ReadBody { bytes, is_whole: false });
        }
    }
    Ok(ReadBody { bytes, is_whole: true })
}

/// How many bytes a body has at most, if its headers tell.
fn longest(headers: &Headers) -> Result<Option<usize>> {
    let length = headers.get("Content-Length")?.and_then(|length| length.trim().parse().ok());
    let is_compressed = headers.get("Content-Encoding")?.is_some();
    let times = if is_compressed { MOST_COMPRESSION } else { 1 };
    Ok(length.map(|length: usize| length.saturating_mul(times)))
}
