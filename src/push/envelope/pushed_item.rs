//! One item of a push, and whether it is about a project.

use super::{Undecodable, decode};
use crate::commercetools::notification::Notification;

/// One item of a push.
#[derive(Debug, Clone, PartialEq)]
pub enum PushedItem {
    /// A notification.
    Notification(Notification),
    /// Something else.
    Refused {
        /// Why it is no notification.
        why: Undecodable,
        /// Its original bytes, to be stored.
        content: Vec<u8>,
    },
}

impl PushedItem {
    /// The notification, if it is one.
    #[must_use]
    pub fn notification(&self) -> Option<&Notification> {
        match self {
            Self::Notification(notification) => Some(notification),
            Self::Refused { .. } => None,
        }
    }

    /// The type of the notification, if it is one.
    #[must_use]
    pub fn type_name(&self) -> Option<&str> {
        self.notification().map(Notification::type_name)
    }
}

/// Whether a body holds a notification about a project, in any envelope.
#[must_use]
pub fn names_project(body: &[u8], project_key: &str) -> bool {
    let items = decode(body, None).items;
    let mut notifications = items.iter().filter_map(PushedItem::notification);
    notifications.any(|one| one.raw.get("projectKey").is_some_and(|key| key == project_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_names_its_project_in_any_envelope() {
        let bare = r#"{"notificationType":"ResourceUpdated","projectKey":"shop",
            "resource":{"typeId":"customer","id":"c"},"version":2}"#;
        let listed = format!("[{bare}]");
        let event = format!(r#"{{"specversion":"1.0","type":"t","data":{bare}}}"#);
        for (body, names) in [
            (bare, true),
            (&listed, true),
            (&event, true),
            (&bare.replace("shop", "other"), false),
            (&bare.replace("resource", "thing"), false),
            (r#"{"projectKey":"shop"}"#, false),
            ("", false),
            ("GET /wp-admin", false),
        ] {
            assert_eq!(names_project(body.as_bytes(), "shop"), names, "{body}");
        }
    }
}
