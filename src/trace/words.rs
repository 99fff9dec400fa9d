//! The words of a trace: why nothing is sent, why something cannot be read, how long ago something happened.

use std::time::Duration;

use crate::fault::{FinalFault, ReadFault, Rejection, System, TransientFault};
use crate::push::plan::IgnoreReason;

/// Why nothing is sent, after "ignored because".
pub(super) fn because(why: IgnoreReason) -> &'static str {
    match why {
        IgnoreReason::UnknownType => "no message that the rules name brings it",
        IgnoreReason::SubscriptionTest => "it is the test of a subscription",
        IgnoreReason::Disabled => "CONFIG.disabledEvents switches it off",
        IgnoreReason::Gone => "commercetools no longer has it",
        IgnoreReason::StateWithoutEvent => "CONFIG.order.states gives this state no event",
        IgnoreReason::NoIdentity => "the order names neither a customer nor an e-mail address",
        IgnoreReason::CustomerRemoved => "the order belongs to no customer any more",
        IgnoreReason::NoNewLine => "the edit of the order added no line with a product",
        IgnoreReason::NoRefund => "the transaction is not a refund, or its state does not count",
        IgnoreReason::NotPublished => "the product is not published, and Klaviyo does not hold it",
        IgnoreReason::VariantsNotThere => {
            "none of the product's variants exists, as while a project moves them"
        }
        IgnoreReason::OtherChannel => "the stock belongs to another channel",
        IgnoreReason::PriceNotUsed => "the product does not use this price",
        IgnoreReason::NotHeld => "Klaviyo does not hold what was changed",
        IgnoreReason::CustomerGone => "the customer of the order was deleted, and may be erased",
        IgnoreReason::NotGone => "the customer is there",
        IgnoreReason::Superseded => "a newer notification took its place",
        IgnoreReason::DeletionIgnored => "CONFIG.customer.deletion does not ask to erase anybody",
        IgnoreReason::NoDataErasure => "the deletion of the customer erased no personal data",
    }
}

/// Why something cannot be read, and what to do. `scope` is Klaviyo's scope for the reading.
pub(super) fn unread(fault: &ReadFault, scope: &str) -> String {
    match fault {
        ReadFault::Later(setback) => {
            let code = setback.fault.code();
            match (setback.fault, setback.fault.mended_by_operator()) {
                (TransientFault::Status(System::Klaviyo, 403), _) => {
                    format!("Klaviyo's key lacks the scope {scope} ({code})")
                }
                (_, Some(mended)) => format!("{mended} ({code})"),
                (_, None) => format!("it cannot be read now ({code}); try again"),
            }
        }
        ReadFault::Never(rejection) => format!("it cannot be read ({})", told(rejection)),
    }
}

/// What is wrong with a record: a system's own words may quote the record, so only ours are repeated.
pub(super) fn told(rejection: &Rejection) -> String {
    let code = rejection.code();
    match &rejection.fault {
        FinalFault::Mapping(_) => format!("{code}: {}", rejection.detail),
        _ => code.into_owned(),
    }
}

/// How long ago something happened.
pub(super) fn ago(length: Duration) -> String {
    match length.as_secs() / 60 {
        0 => "less than a minute ago".to_owned(),
        1 => "a minute ago".to_owned(),
        minutes => format!("{minutes} minutes ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::fault::MappingFault;

    #[test]
    fn a_part_that_cannot_be_read_says_what_it_lacks() {
        let status = |system, status| {
            ReadFault::from(crate::fault::Setback::from(TransientFault::Status(system, status)))
        };
        let refused = FinalFault::Refused(System::Klaviyo, 400);
        for (fault, said) in [
            (status(System::Klaviyo, 403), "lacks the scope events:read (klaviyo_403)"),
            (status(System::Klaviyo, 401), "see KLAVIYO_AUTH_KEY (klaviyo_401)"),
            (status(System::Commercetools, 503), "now (commercetools_503); try again"),
            (Rejection::new(refused, "jane@example.com").into(), "(klaviyo_400)"),
        ] {
            let told = unread(&fault, "events:read");
            assert!(told.ends_with(said), "{told}");
        }
        let own = Rejection::from(MappingFault::MalformedEmail);
        assert!(told(&own).starts_with("malformed_email: the e-mail address is malformed"));
    }

    #[test]
    fn times_are_told_in_minutes() {
        for (seconds, said) in
            [(59, "less than a minute ago"), (60, "a minute ago"), (599, "9 minutes ago")]
        {
            assert_eq!(ago(Duration::from_secs(seconds)), said);
        }
    }
}
