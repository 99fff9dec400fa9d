//! A customer's profile.

use super::documents::Documents;
use super::{DeliveryStep, StepResult};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::profile::Profile;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::body::{Cut, MappedBody};
use crate::mapping::profile::{MissingFields, profile};
use crate::push::plan::removed_fields::RemovedFields;

/// As history nothing is cleared: a profile may exist already that knows more.
pub(super) fn history(config: &Config, documents: &Documents, customer: &Id) -> StepResult {
    next(config, documents, customer, MissingFields::Keep, &RemovedFields::default())
}

/// Now. The types whose fields may be gone are read with the customer; if a type may not be read (the scope
/// `view_types` is optional), the log says that its fields stay at Klaviyo.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    customer: &Id,
    missing: MissingFields,
    removed: &RemovedFields,
) -> StepResult {
    let fields = |id: &Id| documents.fields_of_types.get(id);
    let unread = removed.types.iter().filter(|id| fields(id).is_none()).cloned();
    let unread: Vec<_> = unread.map(DocumentQuery::CustomType).collect();
    let with_types = [DocumentQuery::Customer(customer.clone())].into_iter().chain(unread.clone());
    let customer = documents.customer.or_read(with_types)?;
    if !unread.is_empty() {
        return Err(DeliveryStep::read(unread));
    }
    let of_types = removed.types.iter().filter_map(fields).flatten().flatten();
    let names = removed.names.iter().chain(of_types);
    let MappedBody { body, mut cut } = profile(config, customer, missing, names)?;
    let unknown = removed.types.iter().filter(|id| fields(id).is_some_and(Option::is_none));
    let unknown = unknown.map(|id| format!("removed fields of type {id}, which cannot be read"));
    cut.extend(Cut::named(unknown));
    Ok(DeliveryStep::Send { stages: vec![vec![import(body)]], cut })
}

pub(super) fn import(profile: Profile) -> WriteRequest {
    WriteRequest::ImportProfile(Box::new(profile))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assembly::reading::{KnownDocument, UnitReading};
    use crate::config::test_config;
    use crate::fault::ReadFault;
    use crate::http::HttpAnswer;
    use serde_json::{Value, json};

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    fn answered(status: u16, body: &Value) -> HttpAnswer {
        HttpAnswer { status, body: body.to_string(), ..HttpAnswer::default() }
    }

    /// The fields to unset of a customer who lost the type, and the log entries, if commercetools answers this to the
    /// query for the type.
    fn unset(answer: HttpAnswer) -> Result<(Vec<String>, Vec<String>), ReadFault> {
        let config = test_config();
        let removed = RemovedFields { types: [id("t")].into(), ..RemovedFields::default() };
        let mut documents = Documents::default();
        let step = |documents: &Documents| {
            next(&config, documents, &id("c"), MissingFields::Keep, &removed)
        };
        let Err(DeliveryStep::Read(readings)) = step(&documents) else { panic!("a reading") };
        let queries = [DocumentQuery::Customer(id("c")), DocumentQuery::CustomType(id("t"))];
        assert_eq!(readings, queries.map(UnitReading::from), "both at once");
        let customer = json!({"id": "c", "email": "c@example.com", "custom": {"fields": {"b": 1}}});
        documents.add(&readings[0], &Ok(answered(200, &customer)))?;
        documents.add(&readings[1], &Ok(answer))?;
        // After the write, only the customer is read again.
        let mut again = documents.clone();
        again.customer = KnownDocument::Unasked;
        let Err(DeliveryStep::Read(readings)) = step(&again) else { panic!("a reading") };
        assert_eq!(readings.len(), 1, "a type is read once");
        let Ok(DeliveryStep::Send { stages, cut }) = step(&documents) else { panic!("a request") };
        let [WriteRequest::ImportProfile(profile)] = stages[0].as_slice() else {
            panic!("a profile")
        };
        Ok((profile.unset.clone(), cut.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_type_that_cannot_be_read_costs_nothing_but_its_fields() {
        let fields = json!({"id": "t", "fieldDefinitions": [{"name": "b"}, {"name": "a"}]});
        let read = unset(answered(200, &fields)).expect("a profile");
        assert_eq!(read, (vec!["a".to_owned()], Vec::new()));
        for status in [403, 404] {
            let refusal = json!({"statusCode": status, "message": "m"});
            let (unset, cut) = unset(answered(status, &refusal)).expect("a profile");
            assert!(unset.is_empty(), "{status}");
            assert!(cut.len() == 1 && cut[0].contains("type t"), "{status}: {cut:?}");
        }
        for (status, body) in [(503, json!({})), (403, json!("a proxy")), (404, json!("a proxy"))] {
            let later = unset(answered(status, &body));
            assert!(matches!(later, Err(ReadFault::Later(_))), "{status}: {later:?}");
        }
    }
}
