//! The verdict on what was read from Klaviyo.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::verdict::{SYSTEM, errors};
use crate::http::{Answer, Passing, ReadFault, passes};

/// A page of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdPage {
    /// The ids.
    pub ids: Vec<String>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Reads a page of ids; of something that is not there (404) there is none.
///
/// # Errors
/// Where the answer is neither a page nor a 404.
pub fn ids(answer: &Answer) -> Result<Option<IdPage>, ReadFault> {
    ids_of(answer, |_| true)
}

/// The same, but only of objects whose custom metadata has all of these members.
///
/// # Errors
/// As with [`ids`].
pub fn marked_ids(answer: &Answer, marks: &[&str]) -> Result<Option<IdPage>, ReadFault> {
    ids_of(answer, |row| {
        let metadata = row.attributes.as_ref().and_then(|of| of.custom_metadata.as_ref());
        marks.iter().all(|mark| metadata.is_some_and(|metadata| metadata.contains_key(*mark)))
    })
}

#[derive(Deserialize)]
struct Row {
    id: String,
    attributes: Option<RowAttributes>,
}

#[derive(Deserialize)]
struct RowAttributes {
    custom_metadata: Option<Map<String, Value>>,
}

fn ids_of(answer: &Answer, wanted: impl Fn(&Row) -> bool) -> Result<Option<IdPage>, ReadFault> {
    #[derive(Deserialize)]
    struct Page {
        data: Vec<Row>,
        #[serde(default)]
        links: Links,
    }
    match answer.status {
        200 => {
            let page: Page = parsed(answer)?;
            let ids = page.data.into_iter().filter(wanted).map(|row| row.id).collect();
            Ok(Some(IdPage { ids, next: page.links.next.as_deref().and_then(cursor) }))
        }
        404 => Ok(None),
        _ => Err(refused(answer)),
    }
}

/// Reads the name of an object; of something that is not there (404) there is none.
///
/// # Errors
/// Where the answer is neither an object with a name nor a 404.
pub fn name(answer: &Answer) -> Result<Option<String>, ReadFault> {
    match answer.status {
        200 => {
            let object: Value = parsed(answer)?;
            let name = object.pointer("/data/attributes/name").and_then(Value::as_str);
            name.map(|name| Some(name.to_owned())).ok_or_else(malformed)
        }
        404 => Ok(None),
        _ => Err(refused(answer)),
    }
}

/// Links of a page.
#[derive(Default, Deserialize)]
pub(super) struct Links {
    pub(super) next: Option<String>,
}

pub(super) fn parsed<T: DeserializeOwned>(answer: &Answer) -> Result<T, ReadFault> {
    serde_json::from_str(&answer.body).map_err(|_| malformed())
}

fn malformed() -> ReadFault {
    ReadFault::Permanent {
        code: "klaviyo_answer_malformed".to_owned(),
        detail: "Klaviyo's answer is not what it should be".to_owned(),
    }
}

/// What an answer means that is not the one that was asked for.
pub(super) fn refused(answer: &Answer) -> ReadFault {
    match answer.status {
        status if passes(status) => ReadFault::Passing(Passing::answered(SYSTEM, answer)),
        status => ReadFault::Permanent {
            code: format!("{SYSTEM}_{status}"),
            detail: errors(&answer.body).into_iter().map(|error| error.detail).collect(),
        },
    }
}

/// The cursor in the address of the next page. Only the cursor is taken, since the key must not
/// follow an address from an answer.
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

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.to_owned(), ..Answer::default() }
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
        assert_eq!(ids(&answer(404, "{}")), Ok(None));
    }

    #[test]
    fn a_name_is_read() {
        let named = r#"{"data":{"id":"c","attributes":{"name":"Women > Pants"}}}"#;
        assert_eq!(name(&answer(200, named)), Ok(Some("Women > Pants".to_owned())));
        assert_eq!(name(&answer(404, "{}")), Ok(None));
        for (status, body) in [(200, "{}"), (200, ""), (503, ""), (400, "")] {
            assert!(name(&answer(status, body)).is_err(), "{status} {body}");
        }
    }

    #[test]
    fn each_refusal_is_passing_or_permanent() {
        for (status, passing) in [(401, true), (429, true), (503, true), (400, false)] {
            let fault = ids(&answer(status, "{}")).expect_err("a fault");
            assert_eq!(matches!(fault, ReadFault::Passing(_)), passing, "{status}");
        }
        assert!(ids(&answer(200, "<html>")).is_err());
    }
}
