//! The comma-separated items of `json`, `logfmt`, `label_format`, `drop` and `keep`.

use super::Parser;
use crate::syntax::SyntaxError;
use crate::syntax::ast::{Extraction, LabelFormat, LabelFormatValue, LabelItem, StageKind};
use crate::syntax::lexer::token::{Flag, Symbol, Token};

impl Parser<'_> {
    /// `[ext ("," ext)*]`
    pub(super) fn extractions(&mut self) -> Result<Vec<Extraction>, SyntaxError> {
        let mut all = Vec::new();
        if !matches!(self.next.token, Token::Name(_)) {
            return Ok(all);
        }
        loop {
            let start = self.next.span;
            let name = self.name()?;
            let path = if self.take(Symbol::Equal)? {
                self.text()?
            } else {
                name.to_owned()
            };
            all.push(Extraction {
                name: name.to_owned(),
                path,
                span: self.since(start),
            });
            if !self.take(Symbol::Comma)? {
                return Ok(all);
            }
        }
    }

    /// What follows `logfmt`: flags, then extractions.
    pub(super) fn logfmt(&mut self) -> Result<StageKind, SyntaxError> {
        let (mut strict, mut keep_empty) = (false, false);
        while let Token::Flag(flag) = self.next.token {
            self.bump()?;
            match flag {
                Flag::Strict => strict = true,
                Flag::KeepEmpty => keep_empty = true,
            }
        }
        let extractions = self.extractions()?;
        Ok(StageKind::Logfmt {
            strict,
            keep_empty,
            extractions,
        })
    }

    /// `fmt ("," fmt)*`
    pub(super) fn label_formats(&mut self) -> Result<Vec<LabelFormat>, SyntaxError> {
        let mut all = Vec::new();
        loop {
            let name = self.name()?.to_owned();
            self.demand(Symbol::Equal)?;
            let value = match self.next.token {
                Token::Text(_) => LabelFormatValue::Template(self.text()?),
                _ => LabelFormatValue::Rename(self.name_or(&["IDENTIFIER", "STRING"])?.to_owned()),
            };
            all.push(LabelFormat { name, value });
            if !self.take(Symbol::Comma)? {
                return Ok(all);
            }
        }
    }

    /// `item ("," item)*`
    pub(super) fn label_items(&mut self) -> Result<Vec<LabelItem>, SyntaxError> {
        let mut all = Vec::new();
        loop {
            let name = self.name()?;
            all.push(match self.match_op() {
                None => LabelItem::Name(name.to_owned()),
                Some(op) => {
                    self.bump()?;
                    let value = self.text()?;
                    LabelItem::Matcher(self.matcher(name, op, &value)?)
                }
            });
            if !self.take(Symbol::Comma)? {
                return Ok(all);
            }
        }
    }
}
