//! A cassette while it runs: what was played, what was recorded, what was not there.

use std::path::PathBuf;

use super::exchange::Exchange;
use super::matching::{MatchOn, Request};
use super::mode::Mode;
use super::scrub::Secrets;
use super::{Cassette, CassetteError};

/// What to do about a request.
pub(super) enum Verdict {
    /// To give this answer.
    Play(Box<Exchange>),
    /// To pass it on and record it.
    Record,
    /// To refuse it.
    Refuse,
}

#[derive(Debug)]
pub(super) struct Tape {
    pub(super) mode: Mode,
    pub(super) match_on: MatchOn,
    pub(super) secrets: Secrets,
    pub(super) repeats: bool,
    /// Where to write it; nowhere if it came from memory.
    pub(super) path: Option<PathBuf>,
    /// Whether there was a cassette at the beginning.
    pub(super) existed: bool,
    recorded: Vec<(Exchange, bool)>,
    new: Vec<Exchange>,
    refused: Vec<String>,
}

impl Tape {
    pub(super) fn new(cassette: Cassette) -> Self {
        Self {
            mode: Mode::None,
            match_on: MatchOn::default(),
            secrets: Secrets::new(),
            repeats: false,
            path: None,
            existed: true,
            recorded: cassette
                .exchanges
                .into_iter()
                .map(|exchange| (exchange, false))
                .collect(),
            new: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Each exchange is played once, in order; if repeats are allowed, the last one that answers
    /// is played again when all have been.
    pub(super) fn decide(&mut self, request: &Request) -> Verdict {
        if self.mode != Mode::All
            && let Some(exchange) = self.play(request)
        {
            return Verdict::Play(Box::new(exchange));
        }
        match self.mode {
            Mode::All | Mode::NewEpisodes => Verdict::Record,
            Mode::Once if !self.existed => Verdict::Record,
            Mode::None | Mode::Once => {
                self.refused.push(shown(request));
                Verdict::Refuse
            }
        }
    }

    fn play(&mut self, request: &Request) -> Option<Exchange> {
        let (match_on, secrets) = (self.match_on, &self.secrets);
        let mut meeting: Vec<&mut (Exchange, bool)> = self
            .recorded
            .iter_mut()
            .filter(|(exchange, _)| match_on.is_met(request, exchange, secrets))
            .collect();
        if let Some((exchange, played)) = meeting
            .iter_mut()
            .find(|(_, played)| !played)
            .map(|entry| &mut **entry)
        {
            *played = true;
            return Some(exchange.clone());
        }
        let last = meeting.last().filter(|_| self.repeats)?;
        Some(last.0.clone())
    }

    pub(super) fn record(&mut self, exchange: Exchange) {
        self.secrets.learn(&exchange.response);
        self.new.push(exchange);
    }

    /// The exchanges as they should be kept.
    pub(super) fn cassette(&self) -> Cassette {
        let old = self.recorded.iter().map(|(exchange, _)| exchange);
        let kept = old.filter(|_| self.mode != Mode::All);
        Cassette {
            exchanges: kept.chain(&self.new).cloned().collect(),
        }
    }

    /// Exchanges that nobody asked for.
    pub(super) fn unplayed(&self) -> Vec<String> {
        let unplayed = self.recorded.iter().filter(|(_, played)| !played);
        unplayed
            .map(|(exchange, _)| format!("{} {}", exchange.method, exchange.uri))
            .collect()
    }

    pub(super) fn recorded_now(&self) -> usize {
        self.new.len()
    }

    /// Writes what was recorded.
    pub(super) fn finish(&self) -> Result<(), CassetteError> {
        if !self.refused.is_empty() {
            return Err(CassetteError::NotRecorded {
                requests: self.refused.clone(),
            });
        }
        match &self.path {
            Some(path) if !self.new.is_empty() => self.cassette().save(path, &self.secrets),
            _ => Ok(()),
        }
    }
}

/// A request as messages show it; secrets stand in bodies and headers only.
fn shown(request: &Request) -> String {
    let query = request
        .uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    format!("{} {}{query}", request.method, request.uri.path())
}
