//! The verdict on an answer of commercetools, and its access token.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::http::{Answer, Passing, ReadFault, passes};

const SYSTEM: &str = "commercetools";

/// How long before its end a token is renewed, as in the vendor's own client: 5 minutes.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// Reads one document; a document that is gone (404) is none.
///
/// # Errors
/// Where the answer is neither a document nor a 404.
pub fn document(answer: &Answer) -> Result<Option<Value>, ReadFault> {
    match answer.status {
        404 => Ok(None),
        _ => parsed(answer).map(Some),
    }
}

/// Reads the documents of a page.
///
/// # Errors
/// Where the answer is no page of `T`.
pub fn page<T: DeserializeOwned>(answer: &Answer) -> Result<Vec<T>, ReadFault> {
    #[derive(Deserialize)]
    struct Page<T> {
        results: Vec<T>,
    }
    parsed::<Page<T>>(answer).map(|page| page.results)
}

/// Reads the documents of a page as texts, so that one that cannot be read costs only itself.
///
/// # Errors
/// Where the answer is no page.
pub fn raw_page(answer: &Answer) -> Result<Vec<&str>, ReadFault> {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        results: Vec<&'a RawValue>,
    }
    parsed::<Page>(answer).map(|page| page.results.into_iter().map(RawValue::get).collect())
}

/// Documents, and how many there are in all, where that was asked for.
#[derive(Debug, Deserialize)]
pub struct CountedPage<T> {
    /// The documents.
    pub results: Vec<T>,
    /// How many there are.
    pub total: Option<u64>,
}

/// Reads a page with the number of all documents.
///
/// # Errors
/// Where the answer is no page of `T`.
pub fn counted_page<T: DeserializeOwned>(answer: &Answer) -> Result<CountedPage<T>, ReadFault> {
    parsed(answer)
}

fn parsed<'a, T: Deserialize<'a>>(answer: &'a Answer) -> Result<T, ReadFault> {
    match answer.status {
        200 => serde_json::from_str(&answer.body).map_err(|error| malformed(&error)),
        status if passes(status) => Err(ReadFault::Passing(Passing::answered(SYSTEM, answer))),
        status => Err(ReadFault::Permanent {
            code: format!("{SYSTEM}_{status}"),
            detail: refusal(&answer.body),
        }),
    }
}

/// A document that is not what it should be. The error names the place and the type, never the
/// value, as `serde_json` quotes values of a wrong type: only its category and place are kept.
#[must_use]
pub fn malformed(error: &serde_json::Error) -> ReadFault {
    ReadFault::Permanent {
        code: "commercetools_document_malformed".to_owned(),
        detail: without_value(&error.to_string()),
    }
}

/// Drops what `serde_json` quotes of the data (``invalid type: string "Jane", expected …``).
#[must_use]
pub fn without_value(error: &str) -> String {
    match (error.find('"'), error.rfind('"')) {
        (Some(first), Some(last)) if last > first => {
            format!("{}…{}", &error[..first], &error[last + 1..])
        }
        _ => error.to_owned(),
    }
}

/// commercetools' own words on a refused query.
fn refusal(body: &str) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    serde_json::from_str::<Refusal>(body)
        .map_or_else(|_| "commercetools gave no reason".to_owned(), |refusal| refusal.message)
}

/// An access token.
#[derive(Clone)]
pub struct Token {
    /// The value of the `Bearer` header.
    pub bearer: String,
    /// When it is to be renewed, in ms since 1970 UTC.
    pub renew_at: u64,
    /// The scopes that were granted, space separated, each with its project; none if the answer
    /// does not name them.
    pub scopes: Option<String>,
}

/// Reads the answer of the token endpoint, `now` in ms since 1970 UTC.
///
/// # Errors
/// Every other answer is a fault that passes: the credentials are the operator's to mend.
pub fn token(answer: &Answer, now: u64) -> Result<Token, Passing> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
        /// Seconds.
        expires_in: u64,
        scope: Option<String>,
    }
    if answer.status != 200 {
        return Err(Passing {
            code: format!("commercetools_token_{}", answer.status),
            retry_after: answer.retry_after,
        });
    }
    let granted = serde_json::from_str::<Granted>(&answer.body).map_err(|_| Passing {
        code: "commercetools_token_malformed".to_owned(),
        retry_after: None,
    })?;
    let lifetime = Duration::from_secs(granted.expires_in).saturating_sub(RENEW_BEFORE);
    let lifetime = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
    Ok(Token {
        bearer: granted.access_token,
        renew_at: now.saturating_add(lifetime),
        scopes: granted.scope,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned(), ..Answer::default() }
    }

    #[test]
    fn a_document_is_there_or_gone() {
        assert_eq!(document(&answer(200, r#"{"id":"a"}"#)).map(|found| found.is_some()), Ok(true));
        assert_eq!(document(&answer(404, "{}")), Ok(None));
    }

    #[test]
    fn each_refusal_is_passing_or_permanent() {
        for (status, passing) in [(401, true), (403, true), (429, true), (503, true), (400, false)]
        {
            let fault = document(&answer(status, r#"{"message":"m"}"#)).expect_err("a fault");
            assert_eq!(matches!(fault, ReadFault::Passing(_)), passing, "{status}");
        }
    }

    #[test]
    fn a_malformed_document_is_told_without_its_values() {
        let fault =
            page::<u8>(&answer(200, r#"{"results":["Jane \"Doe\""]}"#)).expect_err("a fault");
        let ReadFault::Permanent { code, detail } = fault else { panic!("permanent") };
        assert_eq!(code, "commercetools_document_malformed");
        assert!(!detail.contains("Jane") && detail.contains("expected u8"), "{detail}");
    }

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let granted =
            answer(200, r#"{"access_token":"t","expires_in":172800,"token_type":"Bearer"}"#);
        assert_eq!(token(&granted, 1_000).map(|token| token.renew_at), Ok(1_000 + 172_500_000));
        let short = answer(200, r#"{"access_token":"t","expires_in":60}"#);
        assert_eq!(token(&short, 1_000).map(|token| token.renew_at), Ok(1_000));
        for (status, code) in [(401, "commercetools_token_401"), (503, "commercetools_token_503")] {
            let fault = token(&answer(status, "{}"), 0).map(|_| ()).expect_err("a fault");
            assert_eq!(fault.code, code);
        }
        assert!(token(&answer(200, "<html>"), 0).is_err());
    }
}
