//! Content of any length, in parts.

use commercetools_klaviyo::storage::parts;
use commercetools_klaviyo::storage::sql::RowId;

use super::{fails_whole, outbox};

/// Bytes that differ from place to place.
fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[test]
fn content_is_found_as_it_was_stored_whatever_was_there() {
    let sql = outbox();
    let (owner, other) = (RowId::new(7), RowId::new(8));
    parts::put(&sql, "parked_parts", other, b"other").expect("stored");
    let lengths = [0, 1, 999_999, 1_000_000, 1_000_001, 2_500_000];
    for before in lengths {
        for after in lengths {
            let (old, new) = (content(before), content(after));
            parts::put(&sql, "parked_parts", owner, &old).expect("stored");
            assert!(parts::get(&sql, "parked_parts", owner).expect("found") == old, "{before}");
            parts::replace(&sql, "parked_parts", owner, &new).expect("replaced");
            let all = parts::get_all(&sql, "parked_parts", "7,8").expect("found");
            let (own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(of, _)| *of == owner);
            let own: Vec<u8> = own.into_iter().flat_map(|(_, bytes)| bytes).collect();
            assert!(own == new, "{before} replaced by {after}");
            assert_eq!(others, [(other, b"other".to_vec())]);
            assert!(parts::take(&sql, "parked_parts", owner).expect("taken") == new);
            assert!(parts::get(&sql, "parked_parts", owner).expect("found").is_empty());
        }
    }
    fails_whole(&sql, |sql| parts::replace(sql, "parked_parts", other, &content(2_500_000)));
}
