//! Text for people: aligned, as wide as the terminal and at most 100 columns, coloured on a terminal.

use std::io::IsTerminal as _;

use crate::environment::variable;

/// How wide a line may be: longer ones are hard to read.
const COLUMNS: usize = 100;
/// Narrower terminals get lines that they break themselves.
const FEWEST: usize = 40;
/// The least room for a text behind its columns.
const NARROWEST: usize = 16;

/// The colours, as terminals call them.
#[derive(Clone, Copy)]
pub(crate) enum Colour {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

/// A text in the making.
pub(crate) struct Page {
    text: String,
    coloured: bool,
    columns: usize,
}

impl Page {
    /// For standard output.
    pub(crate) fn stdout() -> Self {
        Self::new(std::io::stdout().is_terminal())
    }

    /// For standard error.
    pub(crate) fn stderr() -> Self {
        Self::new(std::io::stderr().is_terminal())
    }

    /// Coloured only on a terminal, and if NO_COLOR is not set (<https://no-color.org>).
    fn new(terminal: bool) -> Self {
        let wanted = variable("NO_COLOR").is_none_or(|value| value.is_empty());
        let coloured = terminal && wanted && variable("TERM").is_none_or(|term| term != "dumb");
        Self { text: String::new(), coloured, columns: columns(terminal) }
    }

    /// A line that stands out.
    pub(crate) fn heading(&mut self, text: &str) {
        self.words(&[], 0, text, Some(Colour::Bold));
    }

    /// A line of a colour.
    pub(crate) fn line(&mut self, indent: usize, text: &str, colour: Colour) {
        self.words(&[], indent, text, Some(colour));
    }

    /// An empty line.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// A text, indented.
    pub(crate) fn paragraph(&mut self, indent: usize, text: &str) {
        self.words(&[], indent, text, None);
    }

    /// A text after columns of fixed widths. Further lines are indented to where the text begins.
    pub(crate) fn row(&mut self, columns: &[(&str, usize, Option<Colour>)], text: &str) {
        let indent = columns.iter().map(|(_, width, _)| width).sum();
        self.words(columns, indent, text, None);
    }

    /// A text as it is.
    pub(crate) fn raw(&mut self, indent: usize, text: &str) {
        for line in text.lines() {
            let room = self.columns.saturating_sub(indent);
            for part in broken(line, room) {
                self.text.push_str(&" ".repeat(indent));
                self.text.push_str(&part);
                self.text.push('\n');
            }
        }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn words(&mut self, columns: &[(&str, usize, Option<Colour>)], indent: usize, text: &str, colour: Option<Colour>) {
        // Deep in a narrow terminal there is no room left.
        let room = self.columns.saturating_sub(indent).max(NARROWEST);
        let mut lines = vec![String::new()];
        let mut taken = 0_usize;
        for word in text.split(' ').flat_map(|word| broken(word, room)) {
            let width = word.chars().count();
            let Some(line) = lines.last_mut() else { break };
            if !line.is_empty() && taken.saturating_add(width).saturating_add(1) > room {
                lines.push(word);
                taken = width;
                continue;
            }
            if !line.is_empty() {
                line.push(' ');
                taken = taken.saturating_add(1);
            }
            line.push_str(&word);
            taken = taken.saturating_add(width);
        }
        for (number, line) in lines.into_iter().enumerate() {
            let mut out = String::new();
            if number == 0 && !columns.is_empty() {
                for (column, width, colour) in columns {
                    out.push_str(&self.painted(column, *colour));
                    let length = column.chars().count();
                    if length > *width {
                        // It takes a line of its own.
                        out.push('\n');
                        out.push_str(&" ".repeat(indent));
                    }
                    out.push_str(&" ".repeat(width.saturating_sub(length)));
                }
            } else {
                out.push_str(&" ".repeat(indent));
            }
            out.push_str(&self.painted(&line, colour));
            self.text.push_str(out.trim_end());
            self.text.push('\n');
        }
    }

    fn painted(&self, text: &str, colour: Option<Colour>) -> String {
        let code = match colour {
            Some(_) if !self.coloured || text.trim().is_empty() => return text.to_owned(),
            None => return text.to_owned(),
            Some(Colour::Bold) => "1",
            Some(Colour::Dim) => "2",
            Some(Colour::Red) => "31",
            Some(Colour::Green) => "32",
            Some(Colour::Yellow) => "33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// How wide lines are: what COLUMNS says, else what the terminal is.
fn columns(terminal: bool) -> usize {
    let said = variable("COLUMNS").and_then(|columns| columns.parse().ok());
    let found = || terminal_size::terminal_size().filter(|_| terminal).map(|(width, _)| usize::from(width.0));
    said.or_else(found).unwrap_or(COLUMNS).clamp(FEWEST, COLUMNS)
}

/// A word in pieces that fit.
fn broken(word: &str, room: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    match letters.is_empty() {
        true => vec![String::new()],
        false => letters.chunks(room.max(1)).map(|piece| piece.iter().collect()).collect(),
    }
}
