//! The documents at the beginning of a page: an answer may exceed the read limit.
//!
//! For: using what was read, and asking for the rest. Not for: the content of the documents.

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::reference::Id;

/// The beginning of a page.
#[derive(Debug, Default, PartialEq)]
pub(super) struct PageBeginning<'a> {
    /// The complete documents, as texts.
    pub(super) whole: Vec<&'a str>,
    /// The id of the next one, if it was read that far.
    pub(super) next: Option<Id>,
}

/// The documents at the beginning of a page; none if the text is not one.
pub(super) fn documents(text: &str) -> Option<PageBeginning<'_>> {
    let mut whole = None;
    read(text, ObjectMember { name: "results", value: ResultList(&mut whole) });
    let whole = whole?;
    let after = match whole.last() {
        Some(last) => end_of(text, last),
        None => text.find("\"results\"")? + "\"results\"".len(),
    };
    let mut next = None;
    let rest = text[after..].trim_start_matches([':', '[', ',', ' ', '\n', '\r', '\t']);
    if rest.starts_with('{') {
        read(rest, ObjectMember { name: "id", value: DocumentId(&mut next) });
    }
    Some(PageBeginning { whole, next })
}

/// Where a part of a text ends.
fn end_of(text: &str, part: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr() + part.len()
}

/// Reads a text as far as it goes; its early end is expected.
fn read<'a>(text: &'a str, seed: impl DeserializeSeed<'a>) {
    let _ = seed.deserialize(&mut serde_json::Deserializer::from_str(text));
}

/// A member of an object. Its value is stored where it survives the error at the end of the text.
struct ObjectMember<V> {
    name: &'static str,
    value: V,
}

impl<'a, V: DeserializeSeed<'a, Value = ()>> DeserializeSeed<'a> for ObjectMember<V> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'a, V: DeserializeSeed<'a, Value = ()>> Visitor<'a> for ObjectMember<V> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == self.name {
                // The rest is not needed.
                return members.next_value_seed(self.value);
            }
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

struct DocumentId<'x>(&'x mut Option<Id>);

impl<'a> DeserializeSeed<'a> for DocumentId<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, input: D) -> Result<(), D::Error> {
        *self.0 = Some(Id::deserialize(input)?);
        Ok(())
    }
}

struct ResultList<'x, 'a>(&'x mut Option<Vec<&'a str>>);

impl<'a> DeserializeSeed<'a> for ResultList<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for ResultList<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of documents")
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut list: S) -> Result<(), S::Error> {
        let documents = self.0.insert(Vec::new());
        while let Some(document) = list.next_element::<&'a RawValue>()? {
            documents.push(document.get());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wherever_a_page_breaks_off_its_whole_documents_are_known() {
        let list = [r#"{"id":"a","n":[1,{"id":"x"}]}"#, r#"{"v":{"id":"y"},"id":"b","t":"é]},{"}"#];
        let text = format!(r#"{{"limit":2,"results":[{}, {}],"total":2}}"#, list[0], list[1]);
        let first = text.find("results").expect("results");
        let ends: Vec<_> =
            list.iter().map(|one| text.find(one).expect("one") + one.len()).collect();
        for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
            let beginning = documents(&text[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count();
            match &beginning {
                Some(page) => {
                    assert_eq!(page.whole, list[..whole], "{cut}");
                    // The id is known once the text after it has begun.
                    let id = list.get(whole).map(|one| {
                        let id = [r#""id":"a""#, r#""id":"b""#][whole];
                        text.find(one).expect("one") + one.find(id).expect("its id") + id.len()
                    });
                    let is_known = id.is_some_and(|end| end <= cut);
                    let expected = is_known.then(|| Id::new(["a", "b"][whole]).expect("an id"));
                    assert_eq!(page.next, expected, "{cut}");
                }
                None => assert!(cut <= first + r#"results":["#.len(), "{cut}"),
            }
        }
        assert_eq!(documents("<html>"), None);
        assert_eq!(documents(r#"{"statusCode":400}"#), None);
    }
}
