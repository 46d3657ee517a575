//! A page as its blocks.

use std::{fmt, ops::Range};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::shown;

/// What a test must know of a page.
pub(super) struct Page {
    /// The lines of its comment `<!-- stage ... -->`.
    pub(super) directives: Vec<String>,
    /// Its fenced blocks, in order.
    pub(super) blocks: Vec<Block>,
    /// Where its links lead, as written.
    pub(super) links: Vec<String>,
    /// The texts of its headings.
    pub(super) headings: Vec<String>,
}

impl Page {
    pub(super) fn of(text: &str) -> Self {
        let mut page = Self {
            directives: directives(text),
            blocks: Vec::new(),
            links: Vec::new(),
            headings: Vec::new(),
        };
        let mut heading = None;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    page.blocks.push(Block::new(text, range, &info));
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.headings.extend(heading.take()),
                Event::Text(words) | Event::Code(words) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&words);
                    }
                }
                _ => {}
            }
        }
        page
    }
}

/// The lines of the comment `<!-- stage ... -->`.
fn directives(page: &str) -> Vec<String> {
    let comment = page.split_once("<!-- stage\n").map(|(_, rest)| rest);
    let lines = comment.and_then(|rest| Some(rest.split_once("-->")?.0));
    lines
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// A fenced block.
pub(super) struct Block {
    info: Vec<String>,
    /// What stands between the fences.
    pub(super) text: String,
    /// Where that stands in the page.
    range: Range<usize>,
    line: usize,
}

impl Block {
    /// The block that is at `range` with its fences.
    fn new(page: &str, range: Range<usize>, info: &str) -> Self {
        let whole = &page[range.clone()];
        let begin = range.start + whole.find('\n').map_or(whole.len(), |end| end + 1);
        let end = range.start + whole.rfind("```").unwrap();
        Self {
            info: info.split(',').map(|word| word.trim().to_owned()).collect(),
            text: page[begin..end].to_owned(),
            line: page[..begin].lines().count() + 1,
            range: begin..end,
        }
    }

    pub(super) fn language(&self) -> &str {
        &self.info[0]
    }

    pub(super) fn has(&self, attribute: &str) -> bool {
        self.info[1..].iter().any(|word| word == attribute)
    }

    /// The value of an attribute `name=value`.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.info[1..].iter();
        attributes.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether a test does anything with it.
    pub(super) fn is_run(&self) -> bool {
        let known = ["console", "python"].contains(&self.language());
        (known || super::syntax::KNOWN.contains(&self.language())) && !self.has("ignore")
    }

    /// Runs each command of a console, and compares what comes with what is shown.
    pub(super) fn compared(
        &self,
        mut run: impl FnMut(&Command) -> String,
    ) -> Result<(), Difference> {
        let mut now = String::new();
        let mut wrong = Vec::new();
        for command in Command::all(&self.text) {
            let mut came = run(&command);
            if let Some(begin) = self.attribute("until") {
                came = came
                    .lines()
                    .take_while(|line| !line.starts_with(begin))
                    .fold(String::new(), |lines, line| lines + line + "\n");
            }
            for line in &command.typed {
                now.push_str(line);
                now.push('\n');
            }
            if command.shown.trim().is_empty() || shown::matches(&command.shown, &came) {
                now.push_str(&command.shown);
            } else {
                wrong.push(format!("{}\n{came}", command.typed.join("\n")));
                now.push_str(&came);
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Difference {
            edit: Some((self.range.clone(), now)),
            ..Difference::of(self, format!("this is what came:\n{}", wrong.join("\n")))
        })
    }

    /// Compares what was printed with all of the block.
    pub(super) fn compared_as_a_whole(&self, came: &str) -> Result<(), Difference> {
        if shown::matches(&self.text, came) {
            return Ok(());
        }
        Err(Difference {
            edit: Some((self.range.clone(), came.to_owned())),
            ..Difference::of(self, format!("this is what came:\n{came}"))
        })
    }
}

/// A command that the reader types, and what the page shows of its answer.
pub(super) struct Command {
    typed: Vec<String>,
    /// The same as the shell takes it.
    pub(super) line: String,
    shown: String,
    /// With which code it ends.
    pub(super) exit: i32,
}

impl Command {
    fn all(console: &str) -> Vec<Self> {
        let mut commands: Vec<Self> = Vec::new();
        let mut continued = false;
        for line in console.lines() {
            let typed = line.strip_prefix("$ ");
            match commands.last_mut() {
                Some(command) if continued => {
                    command.typed.push(line.to_owned());
                    command.line.push_str(line.trim_end_matches('\\'));
                }
                _ if typed.is_some() => commands.push(Self {
                    typed: vec![line.to_owned()],
                    line: typed.unwrap().trim_end_matches('\\').to_owned(),
                    shown: String::new(),
                    exit: 0,
                }),
                Some(command) => {
                    command.shown.push_str(line);
                    command.shown.push('\n');
                    continue;
                }
                None => panic!("a console begins with a command, not with {line:?}"),
            }
            continued = line.ends_with('\\');
        }
        for command in &mut commands {
            if let Some((_, code)) = command.line.rsplit_once("# exit ") {
                command.exit = code.trim().parse().unwrap();
            }
        }
        commands
    }
}

/// Where a page is not true.
pub(super) struct Difference {
    line: usize,
    what: String,
    /// What would make it true.
    pub(super) edit: Option<(Range<usize>, String)>,
}

impl Difference {
    pub(super) fn of(block: &Block, what: String) -> Self {
        Self {
            line: block.line,
            what,
            edit: None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

/// The page with other texts in these places.
pub(super) fn edited(page: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut page = page.to_owned();
    for (range, text) in edits {
        page.replace_range(range, &text);
    }
    page
}
