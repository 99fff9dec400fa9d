//! How a site is written so that a switch chooses among its mutations.

use std::fmt::Write as _;

use crate::sites::{Bytes, Site, SiteSort};

/// The source with its sites written anew. They are in the order of their beginnings, outer ones first.
pub(crate) fn woven(source: &str, sites: &[Site]) -> String {
    Weaver { source, sites }.text(0..source.len(), None)
}

struct Weaver<'a> {
    source: &'a str,
    sites: &'a [Site],
}

impl Weaver<'_> {
    /// A part of the source with the sites in it, except for the one that it is a part of.
    fn text(&self, part: Bytes, except: Option<&Site>) -> String {
        let mut text = String::new();
        let mut at = part.start;
        for site in self.sites {
            let is_outer = except.is_some_and(|outer| std::ptr::eq(outer, site));
            if is_outer || site.bytes.start < at || site.bytes.end > part.end {
                continue;
            }
            text += &self.source[at..site.bytes.start];
            text += &self.site(site);
            at = site.bytes.end;
        }
        text + &self.source[at..part.end]
    }

    fn site(&self, site: &Site) -> String {
        let text = |part: &Bytes| self.text(part.clone(), Some(site));
        match &site.sort {
            SiteSort::Values(values) => values.iter().fold(String::new(), |mut text, (id, value)| {
                let _ = write!(text, " if {} {{ return {}; }}", is(*id), marked(*id, value));
                text
            }),
            SiteSort::Binary { left, operator, right, others } => {
                let (left, right) = (text(left), text(right));
                let with = |operator: &str| format!("{left} {operator} {right}");
                let others = others.iter().map(|(id, operator)| (*id, with(operator)));
                chosen(others, &with(&self.source[operator.clone()]))
            }
            SiteSort::Unary { operand, deleted } => {
                chosen([(*deleted, text(operand))].into_iter(), &text(&site.bytes))
            }
            SiteSort::Arm { pattern, guard, deleted, constants } => {
                let mut condition = guard.as_ref().map_or_else(|| "true".to_owned(), text);
                for (id, constant) in constants {
                    condition = format!("(if {} {{ {constant} }} else {{ {condition} }})", is(*id));
                }
                if let Some(id) = deleted {
                    condition = marked(*id, &format!("!{} && ({condition})", is(*id)));
                }
                format!("{} if {condition}", text(pattern))
            }
            SiteSort::Struct { without } => {
                let others = without.iter().map(|(id, cut)| {
                    let before = text(&(site.bytes.start..cut.start));
                    (*id, before + &text(&(cut.end..site.bytes.end)))
                });
                chosen(others, &text(&site.bytes))
            }
        }
    }
}

/// An expression that is the one whose mutation is on, or else the one of the source.
fn chosen(others: impl Iterator<Item = (u32, String)>, original: &str) -> String {
    let mut text = String::from("(");
    let mut closing = String::from(")");
    for (id, other) in others {
        let _ = write!(text, "/*{id}{{*/if {} {{ {other} }} else ", is(id));
        closing = format!("/*}}{id}*/{closing}");
    }
    format!("{text}{{ {original} }}{closing}")
}

fn is(id: u32) -> String {
    format!("crate::mutation::is({id})")
}

/// Between the marks by which an error of the compiler leads to the mutation.
fn marked(id: u32, text: &str) -> String {
    format!("/*{id}{{*/{text}/*}}{id}*/")
}
