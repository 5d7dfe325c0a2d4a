//! Pipelines: variables, commands, operands.

use super::number::number;
use super::{Parsed, Parser};
use crate::template::ast::{Binding, Command, Operand, Pipe, Term};
use crate::template::functions::{self, pattern};
use crate::template::lexer::{Keyword, Kind, Token};
use crate::template::quote::{quoted, unquote};

impl<'t> Parser<'t> {
    /// A pipeline up to the token `end`.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let mut pipe = Pipe {
            pos: self.tokens.place(),
            binding: Binding::Declare,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.tokens.next_non_space();
            if token.kind == end {
                self.check(&pipe, context)?;
                return Ok(pipe);
            }
            if !begins_operand(token.kind) {
                return Err(self.unexpected(&token, context));
            }
            self.tokens.back(token);
            let command = self.command()?;
            pipe.commands.push(command);
        }
    }

    /// `$a :=`, `$a =`, and with `range` `$a, $b :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        while self.tokens.peek_non_space() == Kind::Variable {
            let variable = self.tokens.next();
            let behind = self.tokens.next();
            if behind.kind == Kind::Space {
                let next = self.tokens.peek_non_space();
                let binds = matches!(next, Kind::Assign | Kind::Declare);
                if !binds && !self.tokens.is_next(Kind::Char, ",") {
                    self.tokens.back(behind);
                    self.tokens.back(variable);
                    return Ok(());
                }
            } else {
                self.tokens.back(behind);
            }
            let next = self.tokens.next_non_space();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    if next.kind == Kind::Assign {
                        pipe.binding = Binding::Assign;
                    }
                    self.declare(pipe, &variable);
                    return Ok(());
                }
                Kind::Char if next.text == "," => {
                    self.declare(pipe, &variable);
                    if context != "range" || pipe.variables.len() >= 2 {
                        let text = format!("too many declarations in {context}");
                        return Err(self.error(text));
                    }
                    let kind = self.tokens.peek_non_space();
                    if !matches!(kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return Err(self.error("range can only initialize variables"));
                    }
                }
                _ => {
                    self.tokens.back(next);
                    self.tokens.back(variable);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn declare(&mut self, pipe: &mut Pipe, variable: &Token<'t>) {
        pipe.variables.push(variable.text.as_ref().into());
        self.variables.push(variable.text.as_ref().into());
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return Err(self.error(format_args!("missing value for {context}")));
        }
        for (at, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first().map(|operand| &operand.term);
            if let Some(
                Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text { .. },
            ) = first
            {
                let stage = at + 1;
                let text = format!("non executable command in pipeline stage {stage}");
                return Err(self.error(text));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let pos = self.tokens.place();
        let mut operands = Vec::new();
        loop {
            self.tokens.peek_non_space();
            if let Some(operand) = self.operand()? {
                operands.push(operand);
            }
            let token = self.tokens.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.tokens.back(token);
                    break;
                }
                Kind::Pipe => break,
                _ => return Err(self.unexpected(&token, "operand")),
            }
        }
        if operands.is_empty() {
            return Err(self.error("empty command"));
        }
        let prepared = pattern::prepare(&operands, &mut self.expression_bytes)
            .map_err(|reason| self.error(reason))?;
        Ok(Command {
            pos,
            operands,
            prepared,
        })
    }

    /// A term with its fields; `None` if something else follows.
    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        if self.tokens.peek() != Kind::Field {
            return Ok(Some(operand));
        }
        let mut pos = None;
        let mut behind: Vec<Box<str>> = Vec::new();
        while self.tokens.peek() == Kind::Field {
            let token = self.tokens.next();
            pos = pos.or(Some(token.pos));
            behind.push(field_name(&token));
        }
        match &mut operand.term {
            Term::Field(fields) | Term::Variable(_, fields) => fields.append(&mut behind),
            Term::Bool(_) | Term::Text { .. } | Term::Number(_) | Term::Nil | Term::Dot => {
                let text = format!("unexpected . after term {}", quoted(&operand.to_string()));
                return Err(self.error(text));
            }
            Term::Chain(..) | Term::Function(_) | Term::Pipe(_) => {
                operand = Operand {
                    pos: operand.pos,
                    term: Term::Chain(operand.into(), behind),
                };
            }
        }
        // Go places the whole where the first of its further fields stands.
        operand.pos = pos.unwrap_or(operand.pos);
        Ok(Some(operand))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.tokens.next_non_space();
        let term = match token.kind {
            Kind::Identifier => match functions::find(&token.text) {
                Some(function) => Term::Function(function),
                None => {
                    let name = quoted(&token.text);
                    return Err(self.error(format_args!("function {name} not defined")));
                }
            },
            Kind::Keyword(Keyword::Dot) => Term::Dot,
            Kind::Keyword(Keyword::Nil) => Term::Nil,
            Kind::Variable => self.variable(&token)?,
            Kind::Field => Term::Field(vec![field_name(&token)]),
            Kind::Bool => Term::Bool(token.text == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                Term::Number(number(&token).map_err(|text| self.error(text))?)
            }
            Kind::LeftParen => {
                self.descend()?;
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                self.ascend();
                let pos = pipe.pos;
                return Ok(Some(Operand {
                    pos,
                    term: Term::Pipe(pipe.into()),
                }));
            }
            Kind::Quoted | Kind::RawText => {
                let text = unquote(&token.text).ok_or_else(|| self.error("invalid syntax"))?;
                Term::Text {
                    literal: token.text.as_ref().into(),
                    text: text.into(),
                }
            }
            _ => {
                self.tokens.back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand {
            pos: token.pos,
            term,
        }))
    }

    fn variable(&self, token: &Token<'t>) -> Parsed<Term> {
        if self.variables.iter().any(|name| **name == *token.text) {
            return Ok(Term::Variable(token.text.as_ref().into(), Vec::new()));
        }
        Err(self.error(format_args!("undefined variable {}", quoted(&token.text))))
    }
}

fn begins_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Keyword(Keyword::Dot | Keyword::Nil)
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::RawText
            | Kind::Quoted
            | Kind::Variable
            | Kind::LeftParen
    )
}

/// The name without its dot.
fn field_name(token: &Token<'_>) -> Box<str> {
    token.text.get(1..).unwrap_or_default().into()
}
