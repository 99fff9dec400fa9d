//! The subject of `POST /preview`: notifications, or a record by its id or by what a person knows of it.

use serde_json::{Map, Value};

use crate::commercetools::id_search::IdSearch;
use crate::commercetools::notification::Notification;
use crate::commercetools::reference::Id;
use crate::import::kind::ImportKind;
use crate::json::read_bytes;
use crate::push::envelope::{self, PushedItem, Undecodable};

/// The subject of a preview.
#[derive(Debug, Clone, PartialEq)]
pub enum PreviewSubject {
    /// A record of commercetools, as an import would write it.
    Record(SoughtRecord),
    /// Notifications, as if they had been pushed.
    Notifications(Vec<Notification>),
}

/// A record, by what the caller knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoughtRecord {
    /// A record of any kind.
    OfId {
        /// Its kind.
        kind: ImportKind,
        /// Its id.
        id: Id,
    },
    /// An order, by its number.
    OrderOfNumber(String),
    /// The product that has a variant of this SKU.
    ProductOfSku(String),
    /// A customer, by the e-mail address.
    CustomerOfEmail(String),
}

/// Why a body has no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// It names a record in a wrong way.
    #[error("{0}")]
    Record(String),
    /// It holds no notification, or something else beside one.
    #[error(
        "{0}; preview takes a notification in any form in which it can be pushed, or \
         {{\"kind\":\"customers\",\"id\":\"…\"}}"
    )]
    NoNotification(Undecodable),
}

impl BadSubject {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Record(_) => "bad_request",
            Self::NoNotification(why) => why.code(),
        }
    }
}

/// Reads the body. If it has the member `kind`, it names a record: no wire form has that member.
///
/// # Errors
/// What is wrong with it.
pub fn read(body: &[u8]) -> Result<PreviewSubject, BadSubject> {
    if let Ok(members) = read_bytes::<Map<String, Value>>(body)
        && members.contains_key("kind")
    {
        return sought(&members).map(PreviewSubject::Record).map_err(BadSubject::Record);
    }
    let items = envelope::decode(body, None).items.into_iter();
    let notifications = items.map(|item| match item {
        PushedItem::Notification(notification) => Ok(notification),
        PushedItem::Refused { why, .. } => Err(BadSubject::NoNotification(why)),
    });
    notifications.collect::<Result<_, _>>().map(PreviewSubject::Notifications)
}

/// The member by which a person knows a record of this kind.
fn own_member(kind: ImportKind) -> Option<&'static str> {
    match kind {
        ImportKind::Orders => Some("orderNumber"),
        ImportKind::Products => Some("sku"),
        ImportKind::Customers => Some("email"),
        ImportKind::Categories => None,
    }
}

fn sought(members: &Map<String, Value>) -> Result<SoughtRecord, String> {
    let kind = members.get("kind").and_then(Value::as_str).and_then(ImportKind::named);
    let kind = kind.ok_or("kind must be customers, orders, categories or products.")?;
    let own = own_member(kind);
    let known = match own {
        Some(own) => format!("either \"id\" or \"{own}\""),
        None => "\"id\"".to_owned(),
    };
    let mut given = members.keys().map(String::as_str).filter(|name| *name != "kind");
    if let Some(unknown) = given.clone().find(|name| *name != "id" && Some(*name) != own) {
        return Err(format!(
            "\"{unknown}\" is not known for {}; they are found by {known}.",
            kind.name()
        ));
    }
    let (Some(name), None) = (given.next(), given.next()) else {
        return Err(format!("One of the {} is found by {known}.", kind.name()));
    };
    // No id is longer, and a longer number, SKU or address is a mistake.
    let text = members.get(name).and_then(Value::as_str).and_then(Id::new);
    let text = text.ok_or_else(|| format!("{name} must be a text of 1 to 256 bytes."))?;
    Ok(match name {
        "orderNumber" => SoughtRecord::OrderOfNumber(text.to_string()),
        "sku" => SoughtRecord::ProductOfSku(text.to_string()),
        "email" => SoughtRecord::CustomerOfEmail(text.to_string()),
        _ => SoughtRecord::OfId { kind, id: text },
    })
}

impl SoughtRecord {
    #[expect(missing_docs, reason = "as its name says")]
    #[must_use]
    pub fn kind(&self) -> ImportKind {
        match self {
            Self::OfId { kind, .. } => *kind,
            Self::OrderOfNumber(_) => ImportKind::Orders,
            Self::ProductOfSku(_) => ImportKind::Products,
            Self::CustomerOfEmail(_) => ImportKind::Customers,
        }
    }

    /// The searches for its id, to be tried in turn until one finds it; none if the id is known.
    #[must_use]
    pub fn searches(&self) -> Vec<IdSearch> {
        match self {
            Self::OfId { .. } => Vec::new(),
            Self::OrderOfNumber(number) => vec![IdSearch::OrderOfNumber(number.clone())],
            Self::ProductOfSku(sku) => {
                vec![IdSearch::ProductOfSku(sku.clone()), IdSearch::ProductOfVariant(sku.clone())]
            }
            Self::CustomerOfEmail(email) => vec![IdSearch::CustomerOfEmail(email.clone())],
        }
    }

    /// Says that commercetools does not have it, and where the search looked. It does not repeat an e-mail address:
    /// people copy messages into tickets.
    #[must_use]
    pub fn not_found(&self) -> String {
        let of_type = self.kind().resource_type();
        let looked_for = match self {
            Self::OfId { id, .. } => format!("the id {id}"),
            Self::OrderOfNumber(number) => format!("the number {number}"),
            Self::ProductOfSku(sku) => format!("a variant of the SKU {sku}"),
            Self::CustomerOfEmail(_) => "this e-mail address".to_owned(),
        };
        format!(
            "commercetools has no {of_type} with {looked_for}; {} outside of this API client's \
             scope are not seen.",
            self.kind().name()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: &str =
        r#"{"notificationType":"ResourceUpdated","resource":{"typeId":"customer","id":"c"}}"#;

    #[test]
    fn a_record_or_notifications_are_asked_about() {
        let id = Id::new("o1").expect("an id");
        let record = PreviewSubject::Record(SoughtRecord::OfId { kind: ImportKind::Orders, id });
        assert_eq!(read(br#"{"kind":"orders","id":"o1"}"#), Ok(record));
        for (body, count) in [(CHANGE, 1), (&format!("[{CHANGE},{CHANGE}]"), 2), ("[]", 0)] {
            let Ok(PreviewSubject::Notifications(all)) = read(body.as_bytes()) else {
                panic!("{body}")
            };
            assert_eq!(all.len(), count, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let mixed = CHANGE.replacen('{', r#"{"kind":"customers","id":"c","#, 1);
        for (body, code, said) in [
            ("", "not_json", "JSON"),
            ("{}", "not_a_notification", "no commercetools notification"),
            (r#"{"id":"c"}"#, "not_a_notification", "no commercetools notification"),
            (r#"{"message":{}}"#, "envelope_undecodable", "envelope"),
            (r#"{"Type":"SubscriptionConfirmation"}"#, "handshake_refused", "handshake"),
            (&format!("[{CHANGE},{{}}]"), "not_a_notification", "no commercetools notification"),
            (
                r#"{"kind":"customers"}"#,
                "bad_request",
                r#"One of the customers is found by either "id" or "email"."#,
            ),
            (r#"{"kind":"categories"}"#, "bad_request", r#"categories is found by "id"."#),
            (
                r#"{"kind":"orders","id":"o","orderNumber":"1"}"#,
                "bad_request",
                r#"One of the orders is found by either "id" or "orderNumber"."#,
            ),
            (
                r#"{"kind":"orders","sku":"s"}"#,
                "bad_request",
                r#""sku" is not known for orders; they are found by either "id" or "orderNumber"."#,
            ),
            (r#"{"kind":"categories","sku":"s"}"#, "bad_request", r#"are found by "id"."#),
            (r#"{"kind":"products","sku":7}"#, "bad_request", "sku must be a text"),
            (r#"{"kind":"customers","email":""}"#, "bad_request", "email must be a text"),
            (r#"{"kind":"customers","id":""}"#, "bad_request", "id must"),
            (r#"{"kind":"payments","id":"p"}"#, "bad_request", "kind must"),
            (r#"{"kind":3,"id":"p"}"#, "bad_request", "kind must"),
            (r#"{"kind":"orders","id":"o","ids":[]}"#, "bad_request", "\"ids\" is not known"),
            (&mixed, "bad_request", "\"notificationType\" is not known"),
        ] {
            let bad = read(body.as_bytes()).expect_err(body);
            assert_eq!(bad.code(), code, "{body}");
            assert!(bad.to_string().contains(said), "{body}: {bad}");
        }
    }

    #[test]
    fn a_record_is_found_by_what_a_person_knows() {
        for (body, kind, searches, said) in [
            (
                r#"{"kind":"orders","orderNumber":"F-1"}"#,
                ImportKind::Orders,
                vec![IdSearch::OrderOfNumber("F-1".to_owned())],
                "commercetools has no order with the number F-1; orders outside of this API \
                 client's scope are not seen.",
            ),
            (
                r#"{"kind":"products","sku":"S"}"#,
                ImportKind::Products,
                vec![
                    IdSearch::ProductOfSku("S".to_owned()),
                    IdSearch::ProductOfVariant("S".to_owned()),
                ],
                "commercetools has no product with a variant of the SKU S; products outside of \
                 this API client's scope are not seen.",
            ),
            (
                r#"{"kind":"customers","email":"jane@example.com"}"#,
                ImportKind::Customers,
                vec![IdSearch::CustomerOfEmail("jane@example.com".to_owned())],
                "commercetools has no customer with this e-mail address; customers outside of \
                 this API client's scope are not seen.",
            ),
            (
                r#"{"kind":"categories","id":"c"}"#,
                ImportKind::Categories,
                vec![],
                "commercetools has no category with the id c; categories outside of this API \
                 client's scope are not seen.",
            ),
        ] {
            let Ok(PreviewSubject::Record(sought)) = read(body.as_bytes()) else {
                panic!("{body}")
            };
            assert_eq!((sought.kind(), sought.searches()), (kind, searches), "{body}");
            assert_eq!(sought.not_found(), said, "{body}");
        }
    }
}
