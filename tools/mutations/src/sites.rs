//! Where in a file mutations are woven in.
//!
//! What is a constant to the compiler cannot ask for a switch, and neither can a `let` within a condition be parted from
//! it: mutations of these have no site.

use std::collections::HashMap;
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprBinary, ExprConst, ExprRepeat, ExprStruct, ExprUnary, File,
    ImplItemConst, ImplItemFn, ItemConst, ItemFn, ItemStatic, Signature, TraitItemConst,
    TraitItemFn, TypeArray, Variant,
};

use crate::{Genre, Mutation, Place};

/// Bytes of the source.
pub(crate) type Bytes = Range<usize>;

/// A piece of the source that is written anew. Two sites are apart, or one lies within the other.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) bytes: Bytes,
    pub(crate) sort: SiteSort,
}

/// The mutations of a site: ids, each with what stands there then.
#[derive(Debug)]
pub(crate) enum SiteSort {
    /// After the opening brace of a function: it returns one of these values.
    Values(Vec<(u32, String)>),
    /// Another operator between two operands.
    Binary { left: Bytes, operator: Bytes, right: Bytes, others: Vec<(u32, String)> },
    /// The operand alone.
    Unary { operand: Bytes, deleted: u32 },
    /// A pattern with its guard: an arm that never matches, or whose guard is a constant.
    Arm {
        pattern: Bytes,
        guard: Option<Bytes>,
        deleted: Option<u32>,
        constants: Vec<(u32, String)>,
    },
    /// An expression of a struct without one of its fields, with the comma behind it.
    Struct { without: Vec<(u32, Bytes)> },
}

/// The sites of these mutations in a file, in the order of their beginnings with outer ones first, and the ids of
/// mutations that have none.
pub(crate) fn of(source: &str, mutations: &[&Mutation]) -> syn::Result<(Vec<Site>, Vec<u32>)> {
    let file: File = syn::parse_file(source)?;
    let mut wanted = HashMap::<_, Vec<&Mutation>>::new();
    for mutation in mutations {
        wanted.entry((mutation.genre as u8, mutation.span.start)).or_default().push(mutation);
    }
    let mut finder = Finder { wanted, constants: 0, sites: Vec::new() };
    finder.visit_file(&file);
    let Finder { wanted, mut sites, .. } = finder;
    sites.sort_by_key(|site| (site.bytes.start, std::cmp::Reverse(site.bytes.end)));
    Ok((sites, wanted.into_values().flatten().map(|mutation| mutation.id).collect()))
}

struct Finder<'a> {
    /// What was not found yet, by kind and begin.
    wanted: HashMap<(u8, Place), Vec<&'a Mutation>>,
    /// In how many constants the visitor is.
    constants: usize,
    sites: Vec<Site>,
}

impl Finder<'_> {
    /// The mutations of a kind that begin there: ids and replacements.
    fn take(&mut self, genre: Genre, span: Span) -> Vec<(u32, String)> {
        if self.constants > 0 {
            return Vec::new();
        }
        let found = self.wanted.remove(&(genre as u8, place(span))).unwrap_or_default();
        found.into_iter().map(|mutation| (mutation.id, mutation.replacement.clone())).collect()
    }

    fn within_constant(&mut self, visit: impl FnOnce(&mut Self)) {
        self.constants += 1;
        visit(self);
        self.constants -= 1;
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        let (Some(first), None) = (block.stmts.first(), &signature.constness) else { return };
        let values = self.take(Genre::FnValue, first.span());
        if !values.is_empty() {
            let inside = block.brace_token.span.open().byte_range().end;
            self.sites.push(Site { bytes: inside..inside, sort: SiteSort::Values(values) });
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig, &function.block);
        let visit = |finder: &mut Self| visit::visit_item_fn(finder, function);
        if function.sig.constness.is_some() { self.within_constant(visit) } else { visit(self) }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.function(&function.sig, &function.block);
        let visit = |finder: &mut Self| visit::visit_impl_item_fn(finder, function);
        if function.sig.constness.is_some() { self.within_constant(visit) } else { visit(self) }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_binary(&mut self, binary: &'ast ExprBinary) {
        if !holds_let(&binary.left) && !holds_let(&binary.right) {
            let others = self.take(Genre::BinaryOperator, binary.op.span());
            if !others.is_empty() {
                self.sites.push(Site {
                    bytes: bytes(binary),
                    sort: SiteSort::Binary {
                        left: bytes(&binary.left),
                        operator: bytes(&binary.op),
                        right: bytes(&binary.right),
                        others,
                    },
                });
            }
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast ExprUnary) {
        if let [(deleted, _)] = self.take(Genre::UnaryOperator, unary.op.span())[..] {
            let sort = SiteSort::Unary { operand: bytes(&unary.expr), deleted };
            self.sites.push(Site { bytes: bytes(unary), sort });
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        let deleted = self.take(Genre::MatchArm, arm.span()).first().map(|(id, _)| *id);
        let guard = arm.guard.as_ref().map(|(_, guard)| guard);
        let constants = match guard {
            Some(guard) if !holds_let(guard) => self.take(Genre::MatchArmGuard, guard.span()),
            _ => Vec::new(),
        };
        if deleted.is_some() || !constants.is_empty() {
            let pattern = bytes(&arm.pat);
            let guard = guard.map(bytes);
            let end = guard.as_ref().unwrap_or(&pattern).end;
            let bytes = pattern.start..end;
            let sort = SiteSort::Arm { pattern, guard, deleted, constants };
            self.sites.push(Site { bytes, sort });
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, expression: &'ast ExprStruct) {
        let mut without = Vec::new();
        for field in expression.fields.pairs() {
            let end =
                field.punct().map_or_else(|| bytes(field.value()).end, |comma| bytes(comma).end);
            let cut = bytes(field.value()).start..end;
            let deleted = self.take(Genre::StructField, field.value().span());
            without.extend(deleted.into_iter().map(|(id, _)| (id, cut.clone())));
        }
        if !without.is_empty() {
            self.sites.push(Site { bytes: bytes(expression), sort: SiteSort::Struct { without } });
        }
        visit::visit_expr_struct(self, expression);
    }

    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        self.within_constant(|finder| visit::visit_item_const(finder, item));
    }

    fn visit_item_static(&mut self, item: &'ast ItemStatic) {
        self.within_constant(|finder| visit::visit_item_static(finder, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast ImplItemConst) {
        self.within_constant(|finder| visit::visit_impl_item_const(finder, item));
    }

    fn visit_trait_item_const(&mut self, item: &'ast TraitItemConst) {
        self.within_constant(|finder| visit::visit_trait_item_const(finder, item));
    }

    fn visit_expr_const(&mut self, expression: &'ast ExprConst) {
        self.within_constant(|finder| visit::visit_expr_const(finder, expression));
    }

    fn visit_type_array(&mut self, array: &'ast TypeArray) {
        self.within_constant(|finder| visit::visit_type_array(finder, array));
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast ExprRepeat) {
        self.visit_expr(&repeat.expr);
        self.within_constant(|finder| finder.visit_expr(&repeat.len));
    }

    fn visit_variant(&mut self, variant: &'ast Variant) {
        self.within_constant(|finder| visit::visit_variant(finder, variant));
    }
}

/// Whether a condition has a `let` that the code behind it needs.
fn holds_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(binary) => holds_let(&binary.left) || holds_let(&binary.right),
        _ => false,
    }
}

fn bytes(part: &impl Spanned) -> Bytes {
    part.span().byte_range()
}

fn place(span: Span) -> Place {
    let start = span.start();
    Place { line: start.line, column: start.column + 1 }
}
