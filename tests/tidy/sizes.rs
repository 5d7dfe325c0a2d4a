//! Sizes: files, functions, lines, parameters.
//!
//! Parameters that a trait of somebody else asks for are not the writer's choice, so the methods of
//! `impl Trait for` are not counted; the trait's own declaration is.

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{FnArg, Signature, Type};

use super::source::Source;

/// Lines of a file, its tests not counted.
const FILE_LINES: usize = 400;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES: usize = 70;
/// Characters of a line.
const COLUMNS: usize = 100;
/// Parameters of a function, `self` counted.
const PARAMETERS: usize = 5;

/// Everything that is too large.
pub(crate) fn check(source: &Source) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let tests: usize = source
        .test_lines()
        .iter()
        .map(|(first, last)| last - first + 1)
        .sum();
    let lines = source.text.lines().count() - tests;
    if !source.is_test && lines > FILE_LINES {
        found.push((
            1,
            format!("{lines} lines without tests, at most {FILE_LINES}"),
        ));
    }
    for (index, line) in source.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS {
            found.push((index + 1, format!("{columns} columns, at most {COLUMNS}")));
        }
    }
    let mut functions = Functions { found };
    functions.visit_file(&source.tree);
    functions.found
}

struct Functions {
    found: Vec<(usize, String)>,
}

impl Functions {
    fn body(&mut self, signature: &Signature, block: &syn::Block) {
        let (first, last) = (signature.span().start().line, block.span().end().line);
        let lines = last - first + 1;
        if lines > FUNCTION_LINES {
            let text = format!(
                "`{}` has {lines} lines, at most {FUNCTION_LINES}",
                signature.ident
            );
            self.found.push((first, text));
        }
    }

    fn parameters(&mut self, signature: &Signature) {
        let line = signature.span().start().line;
        let count = signature.inputs.len();
        if count > PARAMETERS {
            let text = format!("`{}` takes {count}, at most {PARAMETERS}", signature.ident);
            self.found.push((line, text));
        }
        let is_bool = |input: &&FnArg| match input {
            FnArg::Typed(typed) => {
                matches!(&*typed.ty, Type::Path(path) if path.path.is_ident("bool"))
            }
            FnArg::Receiver(_) => false,
        };
        for input in signature.inputs.iter().filter(is_bool) {
            let text = format!("`{}` takes a bool; name the two cases", signature.ident);
            self.found.push((input.span().start().line, text));
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.body(&function.sig, &function.block);
        self.parameters(&function.sig);
        visit::visit_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        for item in &block.items {
            if let syn::ImplItem::Fn(method) = item {
                self.body(&method.sig, &method.block);
                if block.trait_.is_none() {
                    self.parameters(&method.sig);
                }
            }
        }
        visit::visit_item_impl(self, block);
    }

    fn visit_trait_item_fn(&mut self, method: &'ast syn::TraitItemFn) {
        self.parameters(&method.sig);
        if let Some(block) = &method.default {
            self.body(&method.sig, block);
        }
        visit::visit_trait_item_fn(self, method);
    }
}

/// A file of a function with `count` statements of a line each.
fn function(count: usize) -> String {
    format!("fn f() {{\n{}}}\n", "g();\n".repeat(count))
}

#[test]
fn finds_what_is_too_large() {
    let at_most = "a".repeat(COLUMNS - 3);
    let in_tests = format!(
        "#[cfg(test)]\nmod tests {{\n{}}}\n",
        "fn f() {}\n".repeat(500)
    );
    for (text, want) in [
        ("fn f(a: u8, b: u8, c: u8, d: u8, e: u8) {}".to_owned(), 0),
        (
            "fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}".to_owned(),
            1,
        ),
        (
            "impl A { fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8) {} }".to_owned(),
            1,
        ),
        (
            "impl B for A { fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8) {} }".to_owned(),
            0,
        ),
        ("trait B { fn f(&self, a: bool); }".to_owned(), 1),
        (
            "fn f(is_a: bool, is_b: bool) -> bool { is_a }".to_owned(),
            2,
        ),
        ("fn f(a: &[bool]) {}".to_owned(), 0),
        (format!("// {at_most}"), 0),
        (format!("// ä{at_most}"), 1),
        (function(FUNCTION_LINES - 2), 0),
        (function(FUNCTION_LINES - 1), 1),
        (format!("impl A {{ {} }}", function(FUNCTION_LINES)), 1),
        ("fn f() {}\n".repeat(FILE_LINES), 0),
        ("fn f() {}\n".repeat(FILE_LINES + 1), 1),
        (format!("fn f() {{}}\n{in_tests}"), 0),
    ] {
        let found = check(&Source::parse("shared/a/src/lib.rs", &text));
        assert_eq!(found.len(), want, "{text}\n{found:?}");
    }
    let long = "fn f() {}\n".repeat(FILE_LINES + 1);
    assert_eq!(check(&Source::parse("shared/a/tests/all.rs", &long)), []);
}
