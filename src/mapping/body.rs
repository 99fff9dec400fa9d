//! The result of every mapping: a body, and what was left out of it.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A mapped document, and what was left out: to keep Klaviyo's limits, or because it has no form
/// that Klaviyo can use.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedBody<T> {
    /// The body.
    pub body: T,
    /// For the log and the counts.
    pub cut: Vec<Cut>,
}

/// Something left out, without its value. The log shows it as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// A property, by its name or path; or which properties are left out, and why.
    Named(String),
    /// A number of what runs count, such as `no_price: 2`.
    Counted(CutCode, u64),
}

/// Things that are left out so often, and concern so many, that they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutCode {
    /// Variants without a price that counts; they are left out or hidden.
    NoPrice,
    /// Items and variants whose address is incomplete, since the product lacks something.
    NoLink,
    /// Variants that are not found, and stay at Klaviyo: the project may be moving them.
    VariantsKept,
    /// Products with more variants than the Worker reads.
    TooManyVariants,
    /// Categories that Klaviyo refuses, and that items lack.
    CategoryRefused,
}

impl CutCode {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoPrice => "no_price",
            Self::NoLink => "no_link",
            Self::VariantsKept => "variants_kept",
            Self::TooManyVariants => "too_many_variants",
            Self::CategoryRefused => "category_refused",
        }
    }
}

impl Cut {
    /// This many, if there are any.
    #[must_use]
    pub fn counted(code: CutCode, number: usize) -> Option<Self> {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        (number > 0).then_some(Self::Counted(code, number))
    }

    /// Properties by name.
    pub fn named(names: impl IntoIterator<Item = String>) -> Vec<Self> {
        names.into_iter().map(Self::Named).collect()
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => formatter.write_str(name),
            Self::Counted(code, number) => write!(formatter, "{}: {number}", code.code()),
        }
    }
}

impl Serialize for Cut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
