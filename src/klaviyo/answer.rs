//! The verdict on what was read from Klaviyo.

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::verdict::errors;
use crate::fault::{FinalFault, ReadFault, Rejection, Setback, System, passes};
use crate::http::HttpAnswer;

/// A page of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdPage {
    /// The ids.
    pub ids: Vec<String>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Reads a page of ids; none if the object does not exist (Klaviyo's own 404).
///
/// # Errors
/// The answer is neither a page nor such a 404.
pub fn ids(answer: &HttpAnswer) -> Result<Option<IdPage>, ReadFault> {
    ids_of(answer, |_| true)
}

/// The same, but only ids of objects whose custom metadata has all of these members.
///
/// # Errors
/// As with [`ids`].
pub fn marked_ids(answer: &HttpAnswer, marks: &[&str]) -> Result<Option<IdPage>, ReadFault> {
    ids_of(answer, |row| {
        let metadata = row.attributes.as_ref().and_then(|of| of.custom_metadata.as_ref());
        marks.iter().all(|mark| metadata.is_some_and(|metadata| metadata.contains_key(*mark)))
    })
}

/// A profile that Klaviyo has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldProfile {
    /// Klaviyo's id.
    pub id: String,
    /// When Klaviyo created it (UTC), if it says so.
    pub created: Option<DateTime<Utc>>,
    /// Whether it has a name, if the query asked for it.
    pub is_named: bool,
    /// Whether it has an external id, if the query asked for it.
    pub is_customer: bool,
}

/// Reads profiles.
///
/// # Errors
/// As with [`ids`].
pub fn profiles(answer: &HttpAnswer) -> Result<Vec<HeldProfile>, ReadFault> {
    let rows = rows_of(answer)?.map(|page| page.data).unwrap_or_default();
    let is_there =
        |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
    let profile = |row: ListedResource| {
        let attributes = row.attributes.unwrap_or_default();
        HeldProfile {
            id: row.id,
            created: attributes.created,
            is_named: is_there(&attributes.first_name) || is_there(&attributes.last_name),
            is_customer: is_there(&attributes.external_id),
        }
    };
    Ok(rows.into_iter().map(profile).collect())
}

#[derive(Deserialize)]
struct ListedResource {
    /// Every JSON:API resource names its type; anything else is not from Klaviyo.
    #[serde(rename = "type")]
    _type: String,
    id: String,
    attributes: Option<ListedAttributes>,
}

#[derive(Default, Deserialize)]
struct ListedAttributes {
    custom_metadata: Option<Map<String, Value>>,
    created: Option<DateTime<Utc>>,
    external_id: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

fn ids_of(
    answer: &HttpAnswer,
    wanted: impl Fn(&ListedResource) -> bool,
) -> Result<Option<IdPage>, ReadFault> {
    let page = rows_of(answer)?.map(|RowPage { data, links }| {
        let ids = data.into_iter().filter(wanted).map(|row| row.id).collect();
        IdPage { ids, next: links.next.as_deref().and_then(cursor) }
    });
    Ok(page)
}

#[derive(Deserialize)]
struct RowPage {
    data: Vec<ListedResource>,
    #[serde(default)]
    links: PageLinks,
}

fn rows_of(answer: &HttpAnswer) -> Result<Option<RowPage>, ReadFault> {
    match answer.status {
        200 => parsed(answer).map(Some),
        404 if is_own_refusal(answer) => Ok(None),
        _ => Err(refused(answer)),
    }
}

/// Reads the name of an object; none if the object does not exist (Klaviyo's own 404).
///
/// # Errors
/// The answer is neither an object with a name nor such a 404.
pub fn name(answer: &HttpAnswer) -> Result<Option<String>, ReadFault> {
    match answer.status {
        200 => {
            let object: Value = parsed(answer)?;
            let name = object.pointer("/data/attributes/name").and_then(Value::as_str);
            name.map(|name| Some(name.to_owned())).ok_or_else(|| foreign(answer))
        }
        404 if is_own_refusal(answer) => Ok(None),
        _ => Err(refused(answer)),
    }
}

/// Links of a page.
#[derive(Default, Deserialize)]
pub(super) struct PageLinks {
    pub(super) next: Option<String>,
}

pub(super) fn parsed<T: DeserializeOwned>(answer: &HttpAnswer) -> Result<T, ReadFault> {
    serde_json::from_str(&answer.body).map_err(|_| foreign(answer))
}

/// An answer that is not Klaviyo's: the call is repeated, as after an outage.
pub(super) fn foreign(answer: &HttpAnswer) -> ReadFault {
    Setback::foreign(System::Klaviyo, answer).into()
}

/// Whether Klaviyo itself refused: its refusals give the reason in `errors`.
pub(super) fn is_own_refusal(answer: &HttpAnswer) -> bool {
    errors(&answer.body).is_some()
}

/// What an unexpected answer means.
pub(super) fn refused(answer: &HttpAnswer) -> ReadFault {
    match (answer.status, errors(&answer.body)) {
        (status, _) if passes(status) => Setback::answered(System::Klaviyo, answer).into(),
        (status @ 400..=499, Some(errors)) => {
            let words: String = errors.into_iter().map(|error| error.detail).collect();
            Rejection::new(FinalFault::Refused(System::Klaviyo, status), words).into()
        }
        _ => foreign(answer),
    }
}

/// The cursor in the address of the next page. Only the cursor is used, since the key must not go
/// to an address from an answer.
pub(super) fn cursor(next: &str) -> Option<String> {
    let query = next.split_once('?')?.1;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    pairs
        .into_iter()
        .find(|(name, _)| decode(name) == "page[cursor]")
        .map(|(_, value)| decode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of Klaviyo's own refusals.
    const OWN: &str = r#"{"errors":[]}"#;

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() }
    }

    #[test]
    fn a_page_is_read_with_its_cursor() {
        let body = r#"{"data":[{"type":"catalog-variant","id":"a"}],
            "links":{"next":"https://a.klaviyo.com/x?page%5Bsize%5D=1&page%5Bcursor%5D=b%3D%3D"}}"#;
        let page = IdPage { ids: vec!["a".to_owned()], next: Some("b==".to_owned()) };
        assert_eq!(ids(&answer(200, body)), Ok(Some(page)));
        assert_eq!(
            ids(&answer(200, r#"{"data":[],"links":{"next":null}}"#)),
            Ok(Some(IdPage::default()))
        );
        assert_eq!(ids(&answer(404, OWN)), Ok(None));
        assert!(matches!(ids(&answer(404, "{}")), Err(ReadFault::Later(_))));
    }

    #[test]
    fn a_name_is_read() {
        let named = r#"{"data":{"id":"c","attributes":{"name":"Women > Pants"}}}"#;
        assert_eq!(name(&answer(200, named)), Ok(Some("Women > Pants".to_owned())));
        assert_eq!(name(&answer(404, OWN)), Ok(None));
        for (status, body) in [(200, "{}"), (200, ""), (503, ""), (400, ""), (404, "<html>")] {
            assert!(name(&answer(status, body)).is_err(), "{status} {body}");
        }
    }

    #[test]
    fn each_refusal_is_passing_or_permanent() {
        for (status, passing) in [(401, true), (429, true), (503, true), (400, false)] {
            let fault = ids(&answer(status, OWN)).expect_err("a fault");
            assert_eq!(matches!(fault, ReadFault::Later(_)), passing, "{status}");
        }
        for status in [200, 202, 302, 400, 404, 410] {
            let fault = ids(&answer(status, "<html>")).expect_err("a fault");
            assert!(matches!(fault, ReadFault::Later(_)), "{status}");
        }
    }
}
