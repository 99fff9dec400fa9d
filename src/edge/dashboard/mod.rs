//! The dashboard: serves a page for operators. The page needs no token: it holds no data, and asks
//! for the token before it calls the endpoints that do.
//!
//! The files beside this one are part of the Worker, so the page loads nothing from another host.
//! The page is at `/`, its files are under `/dashboard/`.

use sha2::{Digest, Sha256};
use worker::{Request, Response, ResponseBuilder, Result};

use super::reply;
use super::settings::CheckedSettings;

/// A static file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DashboardFile {
    name: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The page.
pub(super) static PAGE: DashboardFile =
    DashboardFile { name: "index.html", content_type: HTML, content: include_str!("index.html") };

macro_rules! files {
    ($($name:literal $content_type:ident),* $(,)?) => {
        &[$(DashboardFile {
            name: $name,
            content_type: $content_type,
            content: include_str!($name),
        }),*]
    };
}

/// The files of the page.
static FILES: &[DashboardFile] = files![
    "advice.js" JS,
    "api.js" JS,
    "chart.js" JS,
    "check.js" JS,
    "dialog.js" JS,
    "dom.js" JS,
    "failures.js" JS,
    "format.js" JS,
    "icon-degraded.svg" SVG,
    "icon-needs.svg" SVG,
    "icon.svg" SVG,
    "imports.js" JS,
    "kept.js" JS,
    "letters.js" JS,
    "live.js" JS,
    "merchant.js" JS,
    "main.js" JS,
    "pages.js" JS,
    "preview.js" JS,
    "rate.js" JS,
    "realtime.js" JS,
    "request.js" JS,
    "rooms.css" CSS,
    "run.js" JS,
    "sequence.js" JS,
    "skipped.js" JS,
    "start.js" JS,
    "style.css" CSS,
    "summary.js" JS,
    "titles.js" JS,
    "trace.js" JS,
];

/// The page may only load and call what is served here, nothing can be inserted into it as markup,
/// and no other page may embed it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: &[(&str, &str)] = &[
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    // A deployment changes all files at once, so the browser revalidates each.
    ("Cache-Control", "no-cache"),
    ("Vary", "Accept"),
];

/// The file with this name under `/dashboard/`.
pub(super) fn file(name: &str) -> Option<&'static DashboardFile> {
    FILES.iter().find(|file| file.name == name)
}

/// Answers with a file; 304 if the browser has it. If the settings are invalid, the page comes with
/// 503, for a browser that can show the problems; other clients get the list of problems.
pub(super) fn answer(
    request: &Request,
    file: &DashboardFile,
    settings: &CheckedSettings,
) -> Result<Response> {
    let header = |name| request.headers().get(name).map(Option::unwrap_or_default);
    let mut status = 200;
    if let (true, Err(problems)) = (*file == PAGE, settings.as_ref()) {
        if !header("Accept")?.contains("text/html") {
            return reply::not_configured(problems);
        }
        status = 503;
    }
    let tag = format!("\"{}\"", &format!("{:x}", Sha256::digest(file.content))[..16]);
    // A proxy that compresses the file on the way makes the tag a weak one.
    let known = header("If-None-Match")?;
    if status == 200 && known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag) {
        status = 304;
    }
    let mut response = ResponseBuilder::new().with_status(status).with_header("ETag", &tag)?;
    for (name, value) in HEADERS {
        response = response.with_header(name, value)?;
    }
    if status == 304 {
        return Ok(response.empty());
    }
    let content = file.content.as_bytes().to_vec();
    Ok(response.with_header("Content-Type", file.content_type)?.fixed(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every file that the page and its scripts name is served.
    #[test]
    fn what_is_named_is_served() {
        let mut named = 0;
        for file in FILES.iter().chain([&PAGE]) {
            let quoted = file.content.split('"').filter_map(|text| {
                text.strip_prefix("/dashboard/").or_else(|| text.strip_prefix("./"))
            });
            for name in quoted {
                named += 1;
                assert!(super::file(name).is_some(), "{} names {name}", file.name);
            }
        }
        assert!(named > FILES.len(), "only {named} names were found");
    }
}
