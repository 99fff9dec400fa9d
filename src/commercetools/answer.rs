//! The verdict on an answer of commercetools, and its access token.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::beginning;
use super::reference::{Id, IdReference};
use super::variant::{CatalogModel, Project};
use crate::fault::{FinalFault, ReadFault, Rejection, Setback, System, TransientFault, passes};
use crate::http::{DOCUMENT_BYTES, HttpAnswer};
use crate::time::UnixMs;

/// How long before its end a token is renewed: 5 minutes, as in the vendor's own client.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// Reads one document; none for a document that is gone. Only commercetools' own 404 proves that: a proxy's does not.
///
/// # Errors
/// The answer is neither a document of this type nor such a 404.
pub fn document<T: DeserializeOwned>(answer: &HttpAnswer) -> Result<Option<T>, ReadFault> {
    whole(answer)?;
    match answer.status {
        200 => {
            // Every commercetools document has an id, whatever the query.
            serde_json::from_str::<IdReference>(&answer.body).map_err(|_| foreign(answer))?;
            let read = serde_json::from_str(&answer.body);
            read.map(Some).map_err(|error| malformed(&error).into())
        }
        404 if refusal(answer).is_some() => Ok(None),
        _ => Err(refused(answer)),
    }
}

/// Reads where the project keeps variants; unknown if the API client may not read the project.
///
/// # Errors
/// The answer is neither a project, which has a key and no id, nor commercetools' own refusal.
pub fn catalog_model(answer: &HttpAnswer) -> Result<CatalogModel, ReadFault> {
    if is_refused_with(answer, &[400, 403, 404]) {
        return Ok(CatalogModel::Unknown);
    }
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let project: Project = serde_json::from_str(&answer.body).map_err(|_| foreign(answer))?;
    Ok(project.product_catalog_model)
}

/// Whether commercetools refuses a query for variants that are documents of their own, as it may if there are none. If
/// there are any (`model` says so), a refusal is a fault.
#[must_use]
pub fn has_no_variants_apart(model: Option<CatalogModel>, answer: &HttpAnswer) -> bool {
    model == Some(CatalogModel::Unknown) && is_refused_with(answer, &[400, 403, 404])
}

/// Reads the documents of a page.
///
/// # Errors
/// The answer is no page of `T`.
pub fn page<T: DeserializeOwned>(answer: &HttpAnswer) -> Result<Vec<T>, ReadFault> {
    counted_page(answer).map(|page| page.results)
}

/// Documents of a page that may be incomplete.
#[derive(Debug)]
pub struct LongPage<T> {
    /// The documents.
    pub results: Vec<T>,
    /// Whether more may follow the last of them: the page is full, or exceeds the read limit.
    pub goes_on: bool,
}

/// Reads the documents of a page with up to `limit`. If the page is sorted by id, the rest comes after the last
/// document that was read.
///
/// # Errors
/// The answer is no page of `T`, or its first document alone is too large.
pub fn long_page<T: DeserializeOwned>(
    answer: &HttpAnswer,
    limit: usize,
) -> Result<LongPage<T>, ReadFault> {
    if !answer.is_beginning {
        let results: Vec<T> = page(answer)?;
        return Ok(LongPage { goes_on: results.len() >= limit, results });
    }
    let texts = begun_page(answer)?.results;
    if texts.is_empty() {
        return Err(too_large().into());
    }
    let results = texts.into_iter().map(serde_json::from_str).collect::<Result<_, _>>();
    Ok(LongPage { results: results.map_err(|error| malformed(&error))?, goes_on: true })
}

/// The documents of a page as texts, as far as they were read.
#[derive(Debug, Default)]
pub struct BegunPage<'a> {
    /// The complete ones.
    pub results: Vec<&'a str>,
    /// Whether these are all.
    pub is_whole: bool,
    /// The id of the next one, which was only read in part.
    pub begun: Option<Id>,
}

/// Reads the documents of a page as texts: if the answer exceeds the read limit, those at its beginning.
///
/// # Errors
/// The answer is no page.
pub fn begun_page(answer: &HttpAnswer) -> Result<BegunPage<'_>, ReadFault> {
    if !answer.is_beginning {
        return Ok(BegunPage { results: raw_page(answer)?, is_whole: true, begun: None });
    }
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let begun = beginning::documents(&answer.body).ok_or_else(|| foreign(answer))?;
    Ok(BegunPage { results: begun.whole, is_whole: false, begun: begun.next })
}

/// A document exceeds the read limit.
#[must_use]
pub fn too_large() -> Rejection {
    let detail = format!("the document has more than {DOCUMENT_BYTES} bytes");
    Rejection::new(FinalFault::TooLarge, detail)
}

/// Accepts an answer that was read to its end.
fn whole(answer: &HttpAnswer) -> Result<(), ReadFault> {
    if answer.is_beginning && answer.status == 200 { Err(too_large().into()) } else { Ok(()) }
}

/// Reads the documents of a page as texts, so that an unreadable one costs only itself.
///
/// # Errors
/// The answer is no page, or exceeds the read limit.
pub fn raw_page(answer: &HttpAnswer) -> Result<Vec<&str>, ReadFault> {
    #[derive(Deserialize)]
    struct RawPage<'a> {
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
    }
    whole(answer)?;
    let page = match answer.status {
        200 => serde_json::from_str::<RawPage>(&answer.body).map_err(|_| foreign(answer))?,
        _ => return Err(refused(answer)),
    };
    Ok(page.results.into_iter().map(RawValue::get).collect())
}

/// Documents, and their total number, if the query asked for it.
#[derive(Debug, Deserialize)]
pub struct CountedPage<T> {
    /// The documents.
    pub results: Vec<T>,
    /// The total number.
    pub total: Option<u64>,
}

/// Reads a page with the total number of documents.
///
/// # Errors
/// The answer is no page of `T`.
pub fn counted_page<T: DeserializeOwned>(answer: &HttpAnswer) -> Result<CountedPage<T>, ReadFault> {
    // A page with malformed documents is from commercetools; an answer that is no page is not.
    raw_page(answer)?;
    serde_json::from_str(&answer.body).map_err(|error| malformed(&error).into())
}

/// Whether commercetools itself refused the call with one of these statuses.
#[must_use]
pub fn is_refused_with(answer: &HttpAnswer, statuses: &[u16]) -> bool {
    statuses.contains(&answer.status) && refusal(answer).is_some()
}

fn foreign(answer: &HttpAnswer) -> ReadFault {
    Setback::foreign(System::Commercetools, answer).into()
}

/// What an unexpected answer means.
fn refused(answer: &HttpAnswer) -> ReadFault {
    match (answer.status, refusal(answer)) {
        (status, _) if passes(status) => Setback::answered(System::Commercetools, answer).into(),
        (status, Some(message)) => {
            Rejection::new(FinalFault::Refused(System::Commercetools, status), message).into()
        }
        (_, None) => foreign(answer),
    }
}

/// A document without the expected shape. The error names the place and the type, never the value. Since `serde_json`
/// quotes values of a wrong type, only its category and place are kept.
#[must_use]
pub fn malformed(error: &serde_json::Error) -> Rejection {
    Rejection::new(FinalFault::DocumentMalformed, without_value(&error.to_string()))
}

/// Drops the data that `serde_json` quotes (``invalid type: string "Jane", expected …``).
#[must_use]
pub fn without_value(error: &str) -> String {
    match (error.find('"'), error.rfind('"')) {
        (Some(first), Some(last)) if last > first => {
            format!("{}…{}", &error[..first], &error[last + 1..])
        }
        _ => error.to_owned(),
    }
}

/// commercetools' own words about a refused call; none if the answer is not its own. Its refusals repeat the status in
/// the body (`ErrorResponse` of the API reference).
#[must_use]
pub fn refusal(answer: &HttpAnswer) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ErrorResponse {
        status_code: u16,
        #[serde(default)]
        message: String,
    }
    let error: ErrorResponse = serde_json::from_str(&answer.body).ok()?;
    (error.status_code == answer.status).then_some(error.message)
}

/// An access token.
#[derive(Clone)]
pub struct AccessToken {
    /// The value of the `Bearer` header.
    pub bearer: String,
    /// When to renew it.
    pub renew_at: UnixMs,
    /// The granted scopes, space separated, each with its project; none if the answer does not name them.
    pub scopes: Option<String>,
}

/// Reads the answer of the token endpoint.
///
/// # Errors
/// Every other answer is a transient fault: the operator has to fix the credentials.
pub fn token(answer: &HttpAnswer, now: UnixMs) -> Result<AccessToken, Setback> {
    #[derive(Deserialize)]
    struct TokenResponse {
        access_token: String,
        /// Seconds.
        expires_in: u64,
        scope: Option<String>,
    }
    if answer.status != 200 {
        return Err(Setback::answered(System::CommercetoolsToken, answer));
    }
    let granted = serde_json::from_str::<TokenResponse>(&answer.body)
        .map_err(|_| Setback::from(TransientFault::TokenMalformed))?;
    let lifetime = Duration::from_secs(granted.expires_in).saturating_sub(RENEW_BEFORE);
    Ok(AccessToken {
        bearer: granted.access_token,
        renew_at: now + lifetime,
        scopes: granted.scope,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() }
    }

    /// commercetools' own answer with a status.
    fn own(status: u16) -> String {
        format!(r#"{{"statusCode":{status},"message":"m","errors":[]}}"#)
    }

    #[test]
    fn a_document_is_there_or_gone() {
        assert_eq!(
            document::<Value>(&answer(200, r#"{"id":"a"}"#)).map(|found| found.is_some()),
            Ok(true)
        );
        assert_eq!(document::<Value>(&answer(404, &own(404))), Ok(None));
    }

    #[test]
    fn each_refusal_is_passing_or_permanent() {
        for (status, passing) in [(401, true), (403, true), (429, true), (503, true), (400, false)]
        {
            let fault = document::<Value>(&answer(status, &own(status))).expect_err("a fault");
            assert_eq!(matches!(fault, ReadFault::Later(_)), passing, "{status}");
        }
    }

    #[test]
    fn what_is_not_commercetools_own_answer_says_nothing() {
        let page_of_a_proxy = "<html><title>404</title></html>";
        for status in [200, 204, 301, 302, 400, 404, 410, 421, 423] {
            for body in [page_of_a_proxy, "", "{}", r#"{"error":"blocked"}"#, &own(418)] {
                let answer = answer(status, body);
                let setback = Setback::foreign(System::Commercetools, &answer);
                let later = ReadFault::Later(setback);
                assert_eq!(document::<Value>(&answer), Err(later.clone()), "{status} {body}");
                assert_eq!(page::<Value>(&answer), Err(later), "{status} {body}");
            }
        }
        assert!(is_refused_with(&answer(403, &own(403)), &[403]));
        assert!(!is_refused_with(&answer(403, page_of_a_proxy), &[403]));
    }

    #[test]
    fn a_malformed_document_is_told_without_its_values() {
        let fault =
            page::<u8>(&answer(200, r#"{"results":["Jane \"Doe\""]}"#)).expect_err("a fault");
        let ReadFault::Never(Rejection { fault, detail, .. }) = fault else { panic!("permanent") };
        assert_eq!(fault, FinalFault::DocumentMalformed);
        assert!(!detail.contains("Jane") && detail.contains("expected u8"), "{detail}");
    }

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let (now, lifetime) = (UnixMs::from_ms(1_000), Duration::from_mins(2_875));
        let granted =
            answer(200, r#"{"access_token":"t","expires_in":172800,"token_type":"Bearer"}"#);
        assert_eq!(token(&granted, now).map(|token| token.renew_at), Ok(now + lifetime));
        let short = answer(200, r#"{"access_token":"t","expires_in":60}"#);
        assert_eq!(token(&short, now).map(|token| token.renew_at), Ok(now));
        for (status, code) in [(401, "commercetools_token_401"), (503, "commercetools_token_503")] {
            let fault = token(&answer(status, "{}"), now).map(|_| ()).expect_err("a fault");
            assert_eq!(fault.fault.code(), code);
        }
        assert!(token(&answer(200, "<html>"), now).is_err());
    }
}
