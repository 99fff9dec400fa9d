//! Bodies of pushes and answers, up to a limit.

use futures::StreamExt;
use worker::{ByteStream, Headers, Request, Response, Result};

use super::memory::{self, LargeBodyTurn};
use crate::inflate::{inflated, is_compressed};
use crate::push::sender::PushSender;

/// The largest body: 10 MB, both compressed and inflated. commercetools pushes less than 256 kB, but a broker may
/// batch; the list of an import may name any number of records.
const LIMIT: usize = 10 * 1024 * 1024;

/// The largest body of an unknown sender: 1 MB. A message of Amazon SNS has at most 256 KB, and escapes may triple
/// that. A few kB of gzip are 10 MB of zeros.
const STRANGERS_LIMIT: usize = 1024 * 1024;

/// The body of a push.
pub(super) struct PushedBody {
    pub(super) bytes: Vec<u8>,
    /// If it is large, no other large body is read while this one is in use.
    _turn: Option<LargeBodyTurn>,
}

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoBody {
    TooLarge,
    /// Its turn did not come in time.
    Busy,
}

/// The body of a push, inflated if it is compressed. Only one large body at a time is in memory.
pub(super) async fn pushed(
    request: &mut Request,
    sender: PushSender,
) -> Result<Result<PushedBody, NoBody>> {
    let limit = match sender {
        PushSender::Known => LIMIT,
        PushSender::Stranger => STRANGERS_LIMIT,
    };
    // The platform holds a sender to the length in its header.
    let length = content_length(request.headers())?;
    let mut turn = None;
    let body = match length {
        Some(length) if length > limit => Err(NoBody::TooLarge),
        Some(length) if length > memory::LARGE && !has_turn(&mut turn, sender).await => {
            Err(NoBody::Busy)
        }
        Some(_) => Ok(request.bytes().await?),
        None => {
            let may_have =
                async |bytes| bytes <= memory::LARGE || has_turn(&mut turn, sender).await;
            collect_while(request.stream(), limit, may_have).await?
        }
    };
    let body = match body {
        // Its inflated size is not known yet.
        Ok(body) if is_compressed(&body) && !has_turn(&mut turn, sender).await => Err(NoBody::Busy),
        Ok(body) => inflated(body, limit).ok_or(NoBody::TooLarge),
        Err(none) => {
            collect(request.stream(), 0).await?;
            Err(none)
        }
    };
    Ok(body.map(|bytes| PushedBody { bytes, _turn: turn }))
}

/// Whether a large body has its turn, or gets it in time.
async fn has_turn(turn: &mut Option<LargeBodyTurn>, sender: PushSender) -> bool {
    if turn.is_none() {
        *turn = LargeBodyTurn::wait(sender).await;
    }
    turn.is_some()
}

/// The body of a request, inflated if it is compressed, or none if it is too large.
pub(super) async fn whole(request: &mut Request) -> Result<Option<Vec<u8>>> {
    let body = match content_length(request.headers())? {
        Some(length) if length <= LIMIT => Some(request.bytes().await?),
        _ => collect(request.stream(), LIMIT).await?,
    };
    Ok(body.and_then(|body| inflated(body, LIMIT)))
}

/// The body of a request that states its length, up to a limit.
pub(super) async fn short(request: &mut Request, limit: usize) -> Result<Option<Vec<u8>>> {
    match content_length(request.headers())? {
        Some(length) if length <= limit => Ok(inflated(request.bytes().await?, limit)),
        _ => Ok(None),
    }
}

fn content_length(headers: &Headers) -> Result<Option<usize>> {
    let length = headers.get("Content-Length")?;
    Ok(length.and_then(|length| length.trim().parse().ok()))
}

/// The whole stream, or none if it is too large.
pub(super) async fn collect(stream: Result<ByteStream>, limit: usize) -> Result<Option<Vec<u8>>> {
    Ok(collect_while(stream, limit, async |_| true).await?.ok())
}

/// The whole stream, as long as `may_have` accepts its bytes. It is always read to its end: if a sender is still
/// writing when the answer comes, it would see a broken connection.
async fn collect_while(
    stream: Result<ByteStream>,
    limit: usize,
    mut may_have: impl AsyncFnMut(usize) -> bool,
) -> Result<Result<Vec<u8>, NoBody>> {
    let mut body = Ok(Vec::new());
    // An empty body has no stream.
    let Ok(mut stream) = stream else { return Ok(body) };
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        let Ok(begun) = &mut body else { continue };
        if begun.len() + chunk.len() > limit {
            body = Err(NoBody::TooLarge);
        } else if may_have(begun.len() + chunk.len()).await {
            begun.extend(chunk);
        } else {
            body = Err(NoBody::Busy);
        }
    }
    Ok(body)
}

/// The part of an answer's body that was read.
pub(super) struct ReadBody {
    pub(super) bytes: Vec<u8>,
    /// Whether this is all of it.
    pub(super) is_whole: bool,
}

/// The maximum compression of deflate (zlib's technical details, "Maximum Compression Factor").
const MOST_COMPRESSION: usize = 1_032;

/// The body of an answer, up to this many bytes. It is read in one piece if it is known to fit, which costs much less
/// than piece by piece.
pub(super) async fn beginning(response: &mut Response, most: usize) -> Result<ReadBody> {
    if longest(response.headers())?.is_some_and(|bytes| bytes <= most) {
        return Ok(ReadBody { bytes: response.bytes().await?, is_whole: true });
    }
    let mut bytes = Vec::new();
    // An empty body has no stream.
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

/// The maximum size of a body, if its headers tell.
fn longest(headers: &Headers) -> Result<Option<usize>> {
    let length = headers.get("Content-Length")?.and_then(|length| length.trim().parse().ok());
    let is_compressed = headers.get("Content-Encoding")?.is_some();
    let times = if is_compressed { MOST_COMPRESSION } else { 1 };
    Ok(length.map(|length: usize| length.saturating_mul(times)))
}
