//! Pictures of products: their addresses go into e-mails, so a relative one shows nothing.

use crate::commercetools::order::Image;

/// The usable addresses, in their order. An address that is empty, relative, or without a scheme is left out.
pub(super) fn addresses(images: &[Image]) -> impl Iterator<Item = &str> {
    images.iter().map(|image| image.url.trim()).filter(|url| is_address(url))
}

fn is_address(url: &str) -> bool {
    let rest = ["https://", "http://"].into_iter().find_map(|scheme| {
        let (start, rest) = url.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_addresses_are_shown() {
        for (url, expected) in [
            ("https://cdn.example/a.jpg", Some("https://cdn.example/a.jpg")),
            (" HTTP://cdn.example/a.jpg ", Some("HTTP://cdn.example/a.jpg")),
            ("//cdn.example/a.jpg", None),
            ("/a.jpg", None),
            ("a.jpg", None),
            ("cdn.example/a.jpg", None),
            ("data:image/png;base64,AA==", None),
            ("https:///a.jpg", None),
            ("https://", None),
            (" ", None),
            ("", None),
            ("ähttps", None),
        ] {
            let images = [Image { url: url.to_owned() }];
            assert_eq!(addresses(&images).next(), expected, "{url}");
        }
    }
}
