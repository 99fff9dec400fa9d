//! A request to Klaviyo as a value, and what to try after a refusal.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::catalog::CatalogKind;
use super::catalog_write::CatalogWrite;
use super::event::{self, Event};
use super::job::{BulkJobRow, JobType, RowDigest};
use super::json_api::{data, identified, resource, text, with_meta};
use super::pacing::Operation;
use super::profile::Profile;
use super::verdict::{ExpectedSuccess, Verdict};
use crate::http::encode;

/// One call that writes to Klaviyo.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteRequest {
    /// Create or update a profile by its identifiers.
    ImportProfile(Box<Profile>),
    /// Update the profile with this Klaviyo id.
    UpdateProfile {
        /// Klaviyo's own id.
        id: String,
        /// What to write.
        profile: Box<Profile>,
    },
    /// Erase the profile with this Klaviyo id, and everything that Klaviyo knows about the person. It needs the scope
    /// `data-privacy:write`.
    EraseProfile {
        /// Klaviyo's own id.
        id: String,
    },
    /// Record one event.
    CreateEvent(Box<Event>),
    /// Record up to [`super::limits::EVENTS_PER_JOB`] events at once.
    CreateEvents(Vec<Event>),
    /// Write one object of the catalogue.
    Catalog(CatalogWrite),
}

/// What a request writes: to see whether another one would write the same, even if the one creates what the other
/// updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteContent {
    /// An object of the catalogue, or its stock.
    Object {
        /// Its kind.
        kind: CatalogKind,
        /// Klaviyo's id.
        id: String,
        /// The content.
        digest: RowDigest,
    },
    /// The deletion of an object of the catalogue.
    Deletion {
        /// Its kind.
        kind: CatalogKind,
        /// Klaviyo's id.
        id: String,
    },
    /// Anything else, as the text to send.
    Body(String),
}

impl WriteRequest {
    /// Its events.
    pub fn events_mut(&mut self) -> &mut [Event] {
        match self {
            Self::CreateEvent(event) => std::slice::from_mut(&mut **event),
            Self::CreateEvents(events) => events,
            Self::ImportProfile(_)
            | Self::UpdateProfile { .. }
            | Self::EraseProfile { .. }
            | Self::Catalog(_) => &mut [],
        }
    }

    /// The operation, as Klaviyo counts its rate limits.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::ImportProfile(_) => Operation::ImportProfile,
            Self::UpdateProfile { .. } => Operation::UpdateProfile,
            Self::EraseProfile { .. } => Operation::EraseProfile,
            Self::CreateEvent(_) => Operation::CreateEvent,
            Self::CreateEvents(_) => Operation::CreateEvents,
            Self::Catalog(write) => write.operation(),
        }
    }

    /// What Klaviyo answers if it accepts the request.
    #[must_use]
    pub fn success(&self) -> ExpectedSuccess {
        match self {
            Self::ImportProfile(_) | Self::UpdateProfile { .. } => {
                ExpectedSuccess::Resource("profile".into())
            }
            Self::EraseProfile { .. } | Self::CreateEvent(_) | Self::CreateEvents(_) => {
                ExpectedSuccess::Nothing
            }
            Self::Catalog(write) => write.success(),
        }
    }

    /// The HTTP method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::UpdateProfile { .. } => "PATCH",
            Self::ImportProfile(_)
            | Self::EraseProfile { .. }
            | Self::CreateEvent(_)
            | Self::CreateEvents(_) => "POST",
            Self::Catalog(write) => write.method(),
        }
    }

    /// The path below Klaviyo's address.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::ImportProfile(_) => "/api/profile-import".to_owned(),
            Self::UpdateProfile { id, .. } => format!("/api/profiles/{}", encode(id)),
            Self::EraseProfile { .. } => "/api/data-privacy-deletion-jobs".to_owned(),
            Self::CreateEvent(_) => "/api/events".to_owned(),
            Self::CreateEvents(_) => event::BULK_PATH.to_owned(),
            Self::Catalog(write) => write.path(),
        }
    }

    /// The body as JSON text, if it has one.
    #[must_use]
    pub fn body(&self) -> Option<String> {
        Some(match self {
            Self::ImportProfile(profile) => text(&data(profile_resource(None, profile))),
            Self::UpdateProfile { id, profile } => text(&data(profile_resource(Some(id), profile))),
            Self::EraseProfile { id } => text(&erasure(id)),
            Self::CreateEvent(event) => text(&event::single(event)),
            Self::CreateEvents(events) => {
                event::bulk(&events.iter().map(event::row).collect::<Vec<_>>())
            }
            Self::Catalog(write) => return write.body(),
        })
    }

    /// Digests of the names that must not occur twice in a bulk request: Klaviyo's documentation does not say what
    /// happens with two rows of one person or object, and Klaviyo refuses a whole request with two events of one id.
    #[must_use]
    pub fn names(&self) -> Vec<u64> {
        let digest = |name: &str| {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            hasher.finish()
        };
        match self {
            Self::CreateEvent(event) => vec![digest(&event.unique_id)],
            Self::ImportProfile(profile) => {
                let names = [&profile.email, &profile.phone_number, &profile.external_id];
                let names = names.into_iter().flatten();
                names.map(|name| digest(&name.to_lowercase())).collect()
            }
            Self::Catalog(write) => vec![digest(write.id())],
            _ => Vec::new(),
        }
    }

    /// What the request writes, in whatever form.
    #[must_use]
    pub fn content(&self) -> WriteContent {
        match self {
            Self::Catalog(write) if write.deletes() => {
                WriteContent::Deletion { kind: write.kind(), id: write.id().to_owned() }
            }
            Self::Catalog(write) => WriteContent::Object {
                kind: write.kind(),
                id: write.id().to_owned(),
                digest: write.row().1.digest,
            },
            _ => WriteContent::Body(self.body().unwrap_or_default()),
        }
    }

    /// The job type that it can go with, and its row; none if it has to go alone.
    #[must_use]
    pub fn row(&self) -> Option<(JobType, BulkJobRow)> {
        let (of, row) = match self {
            Self::ImportProfile(profile) if !profile.clears() => {
                (JobType::Profiles, BulkJobRow::profile(profile))
            }
            Self::Catalog(write) => write.row(),
            _ => return None,
        };
        Some((of, BulkJobRow { names: self.names(), ..row }))
    }

    /// Tells whether Klaviyo accepted this already, in whatever form it was sent; none if nothing tells.
    #[must_use]
    pub fn digest(&self) -> Option<RowDigest> {
        match self {
            Self::CreateEvent(event) => Some(event.digest()),
            request => request.row().map(|(_, row)| row.digest),
        }
    }

    /// What to send instead, if there is a way out of Klaviyo's refusal.
    ///
    /// A phone number that Klaviyo refuses, or that belongs to somebody else, is left out. If e-mail address and
    /// customer id still belong to two profiles, the one that Klaviyo names is updated; if that is refused as well, the
    /// e-mail address alone decides. Each step gives up an identifier, so this ends.
    #[must_use]
    pub fn way_out(&self, verdict: &Verdict) -> Option<Self> {
        match (self, verdict) {
            (Self::ImportProfile(profile), Verdict::Refused(refusal))
                if refusal.points_at("phone_number") =>
            {
                without_phone(profile).map(Self::ImportProfile)
            }
            (Self::ImportProfile(profile), Verdict::Conflict { duplicate }) => {
                if let Some(profile) = without_phone(profile) {
                    return Some(Self::ImportProfile(profile));
                }
                match duplicate {
                    Some(id) if profile.email.is_some() && profile.external_id.is_some() => {
                        Some(Self::UpdateProfile { id: id.clone(), profile: profile.clone() })
                    }
                    _ => None,
                }
            }
            (Self::UpdateProfile { profile, .. }, Verdict::Conflict { .. } | Verdict::Missing) => {
                let mut profile = profile.clone();
                profile.external_id = None;
                Some(Self::ImportProfile(profile))
            }
            (Self::Catalog(write), verdict) => write.way_out(verdict).map(Self::Catalog),
            _ => None,
        }
    }

    /// What the last verdict means for the goal of the request.
    #[must_use]
    pub fn settled(&self, verdict: Verdict) -> Verdict {
        match self {
            Self::Catalog(write) => write.settled(verdict),
            // It is erased already.
            Self::EraseProfile { .. } if verdict == Verdict::Missing => Verdict::NotHeld,
            _ => verdict,
        }
    }
}

/// Klaviyo requires the attributes, but only one identifier.
fn erasure(id: &str) -> impl Serialize {
    #[derive(Serialize)]
    struct ErasureAttributes<P> {
        profile: P,
    }
    #[derive(Serialize)]
    struct NoMore {}
    let profile = data(identified("profile", id, NoMore {}));
    data(resource("data-privacy-deletion-job", ErasureAttributes { profile }))
}

fn profile_resource<'a>(id: Option<&'a str>, profile: &'a Profile) -> impl Serialize + 'a {
    with_meta("profile", id, profile, profile.meta())
}

fn without_phone(profile: &Profile) -> Option<Box<Profile>> {
    profile.phone_number.as_ref()?;
    Some(Box::new(Profile { phone_number: None, ..profile.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::verdict::{ErrorDetail, Refusal};
    use serde_json::{Value, json};

    fn profile(email: bool, external_id: bool, phone: bool) -> Profile {
        let text = |given: bool, text: &str| given.then(|| text.to_owned());
        Profile {
            email: text(email, "a@example.com"),
            external_id: text(external_id, "c1"),
            phone_number: text(phone, "+4930123456"),
            ..Profile::default()
        }
    }

    fn conflict() -> Verdict {
        Verdict::Conflict { duplicate: Some("01K".to_owned()) }
    }

    fn phone_refused() -> Verdict {
        Verdict::Refused(Refusal {
            status: 400,
            errors: vec![ErrorDetail {
                pointer: Some("/data/attributes/phone_number".to_owned()),
                ..ErrorDetail::default()
            }],
        })
    }

    #[test]
    fn every_conflict_of_a_profile_has_a_way_out_that_ends() {
        let mut request = WriteRequest::ImportProfile(Box::new(profile(true, true, true)));
        let mut tried = Vec::new();
        while let Some(next) = request.way_out(&conflict()) {
            tried.push((next.method(), next.path()));
            request = next;
        }
        let import = ("POST", "/api/profile-import".to_owned());
        assert_eq!(tried, [import.clone(), ("PATCH", "/api/profiles/01K".to_owned()), import]);
        assert_eq!(request, WriteRequest::ImportProfile(Box::new(profile(true, false, false))));
    }

    #[test]
    fn what_is_to_be_unset_stands_beside_the_attributes_and_goes_alone() {
        let profile = Profile { unset: vec!["a".to_owned()], ..profile(true, true, false) };
        let import = WriteRequest::ImportProfile(Box::new(profile.clone()));
        let update = WriteRequest::UpdateProfile { id: "01K".to_owned(), profile: profile.into() };
        assert_eq!(import.row(), None, "a job cannot unset");
        let attributes = json!({"email": "a@example.com", "external_id": "c1"});
        let meta = json!({"patch_properties": {"unset": ["a"]}});
        for (request, mut expected) in [(import, json!({})), (update, json!({"id": "01K"}))] {
            expected["type"] = "profile".into();
            expected["attributes"] = attributes.clone();
            expected["meta"] = meta.clone();
            let body = request.body().expect("a body");
            let body: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(body, json!({ "data": expected }));
        }
    }

    #[test]
    fn a_refused_phone_number_is_left_out_once() {
        let request = WriteRequest::ImportProfile(Box::new(profile(true, true, true)));
        let next = request.way_out(&phone_refused()).expect("a way out");
        assert_eq!(next, WriteRequest::ImportProfile(Box::new(profile(true, true, false))));
        assert_eq!(next.way_out(&phone_refused()), None);
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        let request =
            WriteRequest::UpdateProfile { id: "../events?x".to_owned(), profile: Box::default() };
        assert_eq!(request.path(), "/api/profiles/..%2Fevents%3Fx");
    }
}
