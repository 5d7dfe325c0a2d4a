//! [`Source`]: one file of Rust, parsed, with what in it is test code.
//!
//! Knows no rule. Paths are found in `use` trees, in code, and in the tokens of macros, which the
//! parser does not look into.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, UseTree};

/// Folders of the workspace that hold its own code.
const FOLDERS: [&str; 4] = ["shared", "functions", "infra", "tests"];

/// A file.
pub(crate) struct Source {
    /// From the workspace's folder, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tree: syn::File,
    /// Whether all of it is test code: integration tests, benches, fuzz targets, and modules that
    /// are declared under `#[cfg(test)]`.
    pub(crate) is_test: bool,
}

/// A path that code names, as `std::fs::read`.
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) path: String,
    pub(crate) in_test: bool,
}

impl Source {
    /// Parses `text`; the path says whether it is test code.
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let tree = syn::parse_file(text).unwrap_or_else(|error| {
            panic!("{path}:{}: {error}", error.span().start().line);
        });
        let folders = ["tests", "benches", "fuzz"];
        let is_test = path
            .split('/')
            .rev()
            .skip(1)
            .any(|part| folders.contains(&part));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tree,
            is_test,
        }
    }

    /// Every path that is named.
    pub(crate) fn named(&self) -> Vec<Named> {
        let mut names = Names {
            found: Vec::new(),
            in_test: self.is_test,
        };
        names.visit_file(&self.tree);
        names.found
    }

    /// Lines, first and last, of the outermost items that only tests have.
    pub(crate) fn test_lines(&self) -> Vec<(usize, usize)> {
        let tests = self
            .tree
            .items
            .iter()
            .filter(|item| is_test(attributes(item)));
        tests
            .map(|item| (item.span().start().line, item.span().end().line))
            .collect()
    }

    /// Files of the modules that are declared for tests only.
    fn test_modules(&self) -> impl Iterator<Item = String> {
        let (folder, file) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let folder = match file {
            "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
            _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
        };
        self.tree.items.iter().filter_map(move |item| match item {
            Item::Mod(module) if module.content.is_none() && is_test(&module.attrs) => {
                Some(format!("{folder}/{}", module.ident))
            }
            _ => None,
        })
    }
}

/// Reads every file of the workspace's own code, in the order of their paths.
pub(crate) fn read_all(root: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        walk(&root.join(folder), &mut paths);
    }
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("files can be read");
        let inner = path.strip_prefix(root).expect("files lie below the root");
        Source::parse(&inner.to_string_lossy().replace('\\', "/"), &text)
    };
    let mut sources: Vec<Source> = paths.iter().map(read).collect();
    let modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let below = |module: &String| {
            let rest = source.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        source.is_test |= modules.iter().any(below);
    }
    sources
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folders can be listed") {
        let path = entry.expect("folders can be listed").path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            walk(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Whether an item exists in tests only: `#[cfg(test)]`, `#[cfg(all(test, …))]`, `#[test]`.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string().replace(' ', "");
            condition == "test" || condition.starts_with("all(test")
        }
        meta => meta
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "test"),
    })
}

/// The attributes of an item, for the kinds that tests have.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

struct Names {
    found: Vec<Named>,
    in_test: bool,
}

impl Names {
    fn push(&mut self, line: usize, path: String) {
        self.found.push(Named {
            line,
            path,
            in_test: self.in_test,
        });
    }

    fn tree(&mut self, tree: &UseTree, before: &str) {
        let joined = |name: String| match before {
            "" => name,
            _ => format!("{before}::{name}"),
        };
        match tree {
            UseTree::Path(path) => self.tree(&path.tree, &joined(path.ident.to_string())),
            UseTree::Name(name) if name.ident == "self" => {
                self.push(name.span().start().line, before.to_owned());
            }
            UseTree::Name(name) => {
                self.push(name.span().start().line, joined(name.ident.to_string()));
            }
            UseTree::Rename(name) => {
                self.push(name.span().start().line, joined(name.ident.to_string()));
            }
            UseTree::Glob(glob) => self.push(glob.span().start().line, joined("*".to_owned())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
        }
    }

    /// Paths in tokens: identifiers joined by `::`.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = String::new();
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if !path.ends_with("::") {
                        self.flush(line, &mut path);
                        line = ident.span().start().line;
                    }
                    path.push_str(&ident.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    path.push(':');
                }
                TokenTree::Group(group) => {
                    self.flush(line, &mut path);
                    // Types in brackets and bodies in braces alike.
                    if group.delimiter() != Delimiter::None {
                        self.tokens(group.stream());
                    }
                }
                _ => self.flush(line, &mut path),
            }
        }
        self.flush(line, &mut path);
    }

    fn flush(&mut self, line: usize, path: &mut String) {
        let whole = std::mem::take(path);
        if whole.contains("::") {
            self.push(line, whole.trim_end_matches(':').to_owned());
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast Item) {
        let before = self.in_test;
        self.in_test |= is_test(attributes(item));
        visit::visit_item(self, item);
        self.in_test = before;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, "");
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.push(path.span().start().line, names.join("::"));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

#[test]
fn finds_paths_everywhere() {
    let text = "use std::{env, fs::{self, File}, net::*};
fn f() { a::b(); println!(\"{}\", std::env::var(\"X\"), [c::d]); }
#[cfg(test)]
mod tests { use x::y; }";
    let source = Source::parse("shared/a/src/lib.rs", text);
    let found: Vec<String> = source
        .named()
        .into_iter()
        .filter(|named| named.path.contains("::"))
        .map(|named| {
            format!(
                "{}{}:{}",
                named.line,
                if named.in_test { "t" } else { "" },
                named.path
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "1:std::env",
            "1:std::fs",
            "1:std::fs::File",
            "1:std::net::*",
            "2:a::b",
            "2:std::env::var",
            "2:c::d",
            "4t:x::y"
        ]
    );
    assert_eq!(source.test_lines(), [(3, 4)]);
}

#[test]
fn knows_test_code_by_its_place() {
    for (path, want) in [
        ("shared/a/src/lib.rs", false),
        ("shared/a/tests/push.rs", true),
        ("shared/a/benches/wire.rs", true),
        ("tests/tidy.rs", true),
        ("shared/a/src/tests.rs", false),
    ] {
        assert_eq!(Source::parse(path, "").is_test, want, "{path}");
    }
}
