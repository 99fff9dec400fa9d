//! Bodies, up to a limit: what is pushed, and what is answered.

use futures::StreamExt;
use worker::{ByteStream, Headers, Request, Response, Result};

use super::memory::{self, LargeBodyTurn};
use crate::inflate::{inflated, is_compressed};
use crate::push::sender::PushSender;

/// The largest body: 10 MB, as it comes and inflated. What commercetools pushes is below 256 kB, but a broker may batch; the
/// list of an import may name any number of records.
const LIMIT: usize = 10 * 1024 * 1024;

/// The largest body of somebody who is not known: 1 MB. A message of Amazon SNS has 256 KB at most, and may be
/// escaped, which is up to three times as long. A few kB of gzip are 10 MB of zeros.
const STRANGERS_LIMIT: usize = 1024 * 1024;

/// A body that was pushed.
pub(super) struct PushedBody {
    pub(super) bytes: Vec<u8>,
    /// If it is large, no other is read while this one is worked on.
    _turn: Option<LargeBodyTurn>,
}

/// Why a body is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoBody {
    TooLarge,
    /// Its turn did not come.
    Busy,
}

/// The body of a push, inflated if it is compressed. Of those that are large one at a time is in memory.
pub(super) async fn pushed(
    request: &mut Request,
    sender: PushSender,
) -> Result<Result<PushedBody, NoBody>> {
    let limit = match sender {
        PushSender::Known => LIMIT,
        PushSender::Stranger => STRANGERS_LIMIT,
    };
    // The platform holds a sender to the length that it names.
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
        // How large it is when it is inflated is not known yet.
        Ok(body) if is_compressed(&body) && !has_turn(&mut turn, sender).await => Err(NoBody::Busy),
        Ok(body) => inflated(body, limit).ok_or(NoBody::TooLarge),
        Err(none) => {
            collect(request.stream(), 0).await?;
            Err(none)
        }
    };
    Ok(body.map(|bytes| PushedBody { bytes, _turn: turn }))
}

/// Whether it is the turn of a large body, or becomes so in time.
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

/// The body of a request that says how long it is, if it is no longer than that.
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

/// All of a stream, or none if it is too large.
pub(super) async fn collect(stream: Result<ByteStream>, limit: usize) -> Result<Option<Vec<u8>>> {
    Ok(collect_while(stream, limit, async |_| true).await?.ok())
}

/// All of a stream, as long as it may have so many bytes. It is read to its end in any case: a sender that is
/// still writing when it is answered sees a broken connection and not the answer.
async fn collect_while(
    stream: Result<ByteStream>,
    limit: usize,
    mut may_have: impl AsyncFnMut(usize) -> bool,
) -> Result<Result<Vec<u8>, NoBody>> {
    let mut body = Ok(Vec::new());
    // What has no body has no stream.
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
