//! Notifications about a category.

use super::{IgnoreReason, Work, WorkPlan, enabled};
use crate::commercetools::notification::{Notification, NotificationKind, NotifiedResource};
use crate::config::rules::{EventName, OperatorRules};

/// Klaviyo has no tree, so a name is a path: a category that was renamed or moved renames its
/// descendants.
pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    let id = resource.id.clone();
    let write = |descendants| Work::Category { category: id.clone(), descendants };
    let (name, work) = match &notification.kind {
        NotificationKind::Created => (EventName::CategoryCreated, write(false)),
        NotificationKind::Message(message)
            if rules.category.messages.created.contains(&message.name) =>
        {
            (EventName::CategoryCreated, write(false))
        }
        NotificationKind::Updated => (EventName::CategoryResourceUpdated, write(true)),
        NotificationKind::Deleted => (EventName::CategoryResourceDeleted, Work::CategoryGone(id)),
        NotificationKind::Message(_) | NotificationKind::Other(_) => {
            return WorkPlan::Ignore(IgnoreReason::UnknownType);
        }
    };
    enabled(rules, name, work)
}
