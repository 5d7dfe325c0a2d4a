//! Tokens to nodes: [`parse`] answers the templates that a text defines, the one without a name of
//! its own first of all.
//!
//! This file has controls and definitions, `pipeline` what stands in them, `number` literals,
//! `tokens` looks ahead. Depth is bounded, so neither this nor what walks the tree runs out of
//! stack.

mod number;
mod pipeline;
mod tokens;

use std::collections::BTreeMap;

use super::ast::{Control, Invocation, List, Node, Pipe, Term};
use super::error::TemplateError;
use super::lexer::{Keyword, Kind, Token};
use super::quote::{quoted, unquote};
use crate::limits::{MAX_TEMPLATE_DEPTH, MAX_TEMPLATE_TEXT};
use tokens::Tokens;

/// The lists of all templates that a text defines, by name.
pub(super) type Templates = BTreeMap<Box<str>, List>;

/// Reads `text` as the template `name`; answers also how many bytes its expressions take.
pub(super) fn parse(name: &str, text: &str) -> Result<(Templates, usize), TemplateError> {
    let mut parser = Parser {
        name,
        tokens: Tokens::new(text),
        variables: vec!["$".into()],
        templates: Templates::new(),
        action_line: None,
        ranges: 0,
        depth: 0,
        expression_bytes: 0,
    };
    if text.len() > MAX_TEMPLATE_TEXT {
        let len = text.len();
        return Err(parser.error(format!(
            "the template has {len} bytes of at most {MAX_TEMPLATE_TEXT}; make it shorter"
        )));
    }
    let root = parser.root()?;
    parser.add(name.into(), root)?;
    Ok((parser.templates, parser.expression_bytes))
}

type Parsed<T> = Result<T, TemplateError>;

struct Parser<'t> {
    name: &'t str,
    tokens: Tokens<'t>,
    /// Those that are visible here.
    variables: Vec<Box<str>>,
    templates: Templates,
    /// Where the action began that is read.
    action_line: Option<usize>,
    /// Loops around this place.
    ranges: usize,
    depth: usize,
    /// What the compiled expressions take.
    expression_bytes: usize,
}

/// What a list ended with.
enum Ending {
    End,
    /// Followed by `if` or `with`, perhaps.
    Else,
}

impl Ending {
    fn shown(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

/// A node, or the end of the list.
enum Item {
    Node(Node),
    Ending(Ending),
}

impl<'t> Parser<'t> {
    fn error(&self, text: impl std::fmt::Display) -> TemplateError {
        TemplateError(format!(
            "template: {}:{}: {text}",
            self.name,
            self.tokens.line()
        ))
    }

    fn unexpected(&self, token: &Token<'_>, context: &str) -> TemplateError {
        if token.kind != Kind::Error {
            return self.error(format_args!("unexpected {} in {context}", token.shown()));
        }
        let mut extra = String::new();
        if let Some(line) = self.action_line.filter(|line| *line != token.line) {
            let action = if token.text.ends_with(" action") {
                ""
            } else {
                " in action"
            };
            extra = format!("{action} started at {}:{line}", self.name);
        }
        self.error(format_args!("{}{extra}", token.text))
    }

    fn must_be(&mut self, kind: Kind, context: &str) -> Parsed<Token<'t>> {
        let token = self.tokens.next_non_space();
        if token.kind == kind {
            Ok(token)
        } else {
            Err(self.unexpected(&token, context))
        }
    }

    /// Counts a level of nesting; [`Self::ascend`] counts back.
    fn descend(&mut self) -> Parsed<()> {
        if self.depth == MAX_TEMPLATE_DEPTH {
            return Err(self.error("max expression depth exceeded"));
        }
        self.depth += 1;
        Ok(())
    }

    fn ascend(&mut self) {
        self.depth -= 1;
    }

    fn root(&mut self) -> Parsed<List> {
        let mut list = List::new();
        loop {
            let token = self.tokens.next();
            match token.kind {
                Kind::End => return Ok(list),
                Kind::LeftDelim
                    if self.tokens.peek_non_space() == Kind::Keyword(Keyword::Define) =>
                {
                    self.tokens.next_non_space();
                    self.definition()?;
                    continue;
                }
                _ => self.tokens.back(token),
            }
            match self.text_or_action()? {
                Item::Node(node) => list.push(node),
                Item::Ending(ending) => {
                    return Err(self.error(format_args!("unexpected {}", ending.shown())));
                }
            }
        }
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let token = self.tokens.next_non_space();
        let name = self.template_name(&token, context)?;
        self.must_be(Kind::RightDelim, context)?;
        let list = self.separate(context)?;
        self.add(name, list)
    }

    /// The body of a template of its own: nothing around it is visible in it.
    fn separate(&mut self, context: &str) -> Parsed<List> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        let action_line = self.action_line.take();
        let (list, ending) = self.list()?;
        if !matches!(ending, Ending::End) {
            return Err(self.error(format_args!("unexpected {} in {context}", ending.shown())));
        }
        (self.variables, self.ranges, self.action_line) = (variables, ranges, action_line);
        Ok(list)
    }

    /// Keeps a template; of two with one name, one must be blank.
    fn add(&mut self, name: Box<str>, list: List) -> Parsed<()> {
        match self.templates.get(&name) {
            Some(known) if !is_blank(known) => {
                if is_blank(&list) {
                    return Ok(());
                }
                let name = quoted(&name);
                Err(self.error(format_args!(
                    "template: multiple definition of template {name}"
                )))
            }
            _ => {
                self.templates.insert(name, list);
                Ok(())
            }
        }
    }

    /// Nodes up to `end` or `else`.
    fn list(&mut self) -> Parsed<(List, Ending)> {
        self.descend()?;
        let mut list = List::new();
        while self.tokens.peek_non_space() != Kind::End {
            match self.text_or_action()? {
                Item::Node(node) => list.push(node),
                Item::Ending(ending) => {
                    self.ascend();
                    return Ok((list, ending));
                }
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Parsed<Item> {
        let token = self.tokens.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.text.into()))),
            Kind::LeftDelim => {
                self.action_line = Some(token.line);
                let item = self.action();
                if item.is_ok() {
                    self.action_line = None;
                }
                item
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.tokens.next_non_space();
        let node = match token.kind {
            Kind::Keyword(Keyword::Block) => self.block()?,
            Kind::Keyword(Keyword::Break) => self.leave("{{break}}", Node::Break)?,
            Kind::Keyword(Keyword::Continue) => self.leave("{{continue}}", Node::Continue)?,
            Kind::Keyword(Keyword::Else) => {
                let next = self.tokens.peek_non_space();
                if !matches!(next, Kind::Keyword(Keyword::If | Keyword::With)) {
                    self.must_be(Kind::RightDelim, "else")?;
                }
                return Ok(Item::Ending(Ending::Else));
            }
            Kind::Keyword(Keyword::End) => {
                self.must_be(Kind::RightDelim, "end")?;
                return Ok(Item::Ending(Ending::End));
            }
            Kind::Keyword(Keyword::If) => Node::If(self.control("if")?),
            Kind::Keyword(Keyword::Range) => Node::Range(self.control("range")?),
            Kind::Keyword(Keyword::With) => Node::With(self.control("with")?),
            Kind::Keyword(Keyword::Template) => self.invocation()?,
            _ => {
                self.tokens.back(token);
                action_of(self.pipeline("command", Kind::RightDelim)?)
            }
        };
        Ok(Item::Node(node))
    }

    fn leave(&mut self, shown: &str, node: Node) -> Parsed<Node> {
        self.must_be(Kind::RightDelim, shown)?;
        if self.ranges == 0 {
            return Err(self.error(format_args!("{shown} outside {{{{range}}}}")));
        }
        Ok(node)
    }

    /// What follows `if`, `range` or `with`, to its end.
    fn control(&mut self, context: &str) -> Parsed<Box<Control>> {
        let visible = self.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let is_range = usize::from(context == "range");
        self.ranges += is_range;
        let (list, ending) = self.list()?;
        self.ranges -= is_range;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.otherwise(context)?),
        };
        self.variables.truncate(visible);
        Ok(Box::new(Control {
            pipe,
            list,
            otherwise,
        }))
    }

    /// What follows an `else`: another condition without an end of its own, or a list.
    fn otherwise(&mut self, context: &str) -> Parsed<List> {
        let chained = match (context, self.tokens.peek()) {
            ("if", Kind::Keyword(Keyword::If)) => Some(Node::If as fn(_) -> _),
            ("with", Kind::Keyword(Keyword::With)) => Some(Node::With as fn(_) -> _),
            _ => None,
        };
        if let Some(node) = chained {
            self.tokens.next();
            self.descend()?;
            let control = self.control(context)?;
            self.ascend();
            return Ok(vec![node(control)]);
        }
        let (list, ending) = self.list()?;
        match ending {
            Ending::End => Ok(list),
            Ending::Else => Err(self.error("expected end; found {{else}}")),
        }
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let token = self.tokens.next_non_space();
        let name = self.template_name(&token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let list = self.separate(context)?;
        self.add(name.clone(), list)?;
        Ok(Node::Template(Box::new(Invocation {
            pos: token.pos,
            name,
            pipe: Some(pipe),
        })))
    }

    fn invocation(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let token = self.tokens.next_non_space();
        let name = self.template_name(&token, context)?;
        let next = self.tokens.next_non_space();
        let pipe = if next.kind == Kind::RightDelim {
            None
        } else {
            self.tokens.back(next);
            Some(self.pipeline(context, Kind::RightDelim)?)
        };
        Ok(Node::Template(Box::new(Invocation {
            pos: token.pos,
            name,
            pipe,
        })))
    }

    fn template_name(&self, token: &Token<'_>, context: &str) -> Parsed<Box<str>> {
        match token.kind {
            Kind::Quoted | Kind::RawText => {
                let name = unquote(&token.text).ok_or_else(|| self.error("invalid syntax"))?;
                Ok(String::from_utf8_lossy(&name).into())
            }
            _ => Err(self.unexpected(token, context)),
        }
    }
}

/// The quickest node for a pipe.
fn action_of(pipe: Pipe) -> Node {
    if let ([], [command]) = (pipe.variables.as_slice(), pipe.commands.as_slice())
        && let [operand] = command.operands.as_slice()
        && let Term::Field(fields) = &operand.term
        && let [name] = fields.as_slice()
    {
        return Node::Label {
            name: name.clone(),
            pipe: Box::new(pipe),
        };
    }
    Node::Action(pipe)
}

/// Whether a list is nothing but space.
fn is_blank(list: &List) -> bool {
    list.iter()
        .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}
