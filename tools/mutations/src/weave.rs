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
            SiteSort::Values(values) => {
                values.iter().fold(String::new(), |mut text, (id, value)| {
                    let _ = write!(text, " if {} {{ return {}; }}", is(*id), marked(*id, value));
                    text
                })
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sites;
    use crate::{Genre, Mutation, MutationSpan, Place};

    /// A mutation of what a piece of the source names, which stands once in it.
    fn mutation(source: &str, id: u32, genre: Genre, piece: &str, replacement: &str) -> Mutation {
        let before = &source[..source.find(piece).unwrap_or_default()];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|char| *char != '\n').count() + 1;
        let span = MutationSpan { start: Place { line, column } };
        Mutation { id, file: String::new(), genre, replacement: replacement.to_owned(), span }
    }

    #[test]
    fn each_mutation_stands_behind_its_switch() {
        let cases = [
            (
                "fn f() -> u8 {\n    1\n}",
                vec![(Genre::FnValue, "1", "0"), (Genre::FnValue, "1", "2")],
                "fn f() -> u8 { if crate::mutation::is(1) { return /*1{*/0/*}1*/; } \
                if crate::mutation::is(2) { return /*2{*/2/*}2*/; }\n    1\n}",
            ),
            (
                "fn f() -> bool { \u{e4} == b && !c }",
                vec![
                    (Genre::BinaryOperator, "&&", "||"),
                    (Genre::BinaryOperator, "==", "!="),
                    (Genre::UnaryOperator, "!c", ""),
                ],
                "fn f() -> bool { (/*1{*/if crate::mutation::is(1) { \
                (/*2{*/if crate::mutation::is(2) { \u{e4} != b } else { \u{e4} == b }/*}2*/) || \
                (/*3{*/if crate::mutation::is(3) { c } else { !c }/*}3*/) } else { \
                (/*2{*/if crate::mutation::is(2) { \u{e4} != b } else { \u{e4} == b }/*}2*/) && \
                (/*3{*/if crate::mutation::is(3) { c } else { !c }/*}3*/) }/*}1*/) }",
            ),
            (
                "fn f() { match a { B(b) if b > 1 => c, _ => d } }",
                vec![
                    (Genre::MatchArm, "B(b)", ""),
                    (Genre::MatchArmGuard, "b > 1", "true"),
                    (Genre::BinaryOperator, ">", "<"),
                ],
                "fn f() { match a { B(b) if /*1{*/!crate::mutation::is(1) && \
                ((if crate::mutation::is(2) { true } else { \
                (/*3{*/if crate::mutation::is(3) { b < 1 } else { b > 1 }/*}3*/) }))/*}1*/ \
                => c, _ => d } }",
            ),
            (
                "fn f() { A { b: 1, c, ..d } }",
                vec![(Genre::StructField, "b: 1", "")],
                "fn f() { (/*1{*/if crate::mutation::is(1) { A {  c, ..d } } else { \
                A { b: 1, c, ..d } }/*}1*/) }",
            ),
        ];
        for (source, named, wanted) in cases {
            let of = |(index, (genre, piece, replacement)): (usize, &(Genre, &str, &str))| {
                let id = u32::try_from(index + 1).unwrap_or_default();
                mutation(source, id, *genre, piece, replacement)
            };
            let mutations: Vec<_> = named.iter().enumerate().map(of).collect();
            let mutations: Vec<_> = mutations.iter().collect();
            let Ok((sites, left)) = sites::of(source, &mutations) else {
                panic!("not Rust: {source}")
            };
            assert_eq!(left, [0_u32; 0], "{source}");
            assert_eq!(woven(source, &sites), wanted);
        }
    }

    #[test]
    fn what_cannot_be_switched_is_left_as_it_is() {
        for (source, genre, piece, replacement) in [
            ("const A: u8 = 1 + 2;", Genre::BinaryOperator, "+", "-"),
            ("const fn f() -> u8 { 1 }", Genre::FnValue, "1", "0"),
            ("fn f() { if let A(b) = c && b {} }", Genre::BinaryOperator, "&&", "||"),
            ("fn f() { let _ = [0; 2 * 3]; }", Genre::BinaryOperator, "*", "/"),
        ] {
            let mutation = mutation(source, 1, genre, piece, replacement);
            let Ok((sites, left)) = sites::of(source, &[&mutation]) else {
                panic!("not Rust: {source}")
            };
            assert_eq!(left, [1], "{source}");
            assert_eq!(woven(source, &sites), source);
        }
    }
}
