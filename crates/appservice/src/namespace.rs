use regex::Regex;

/// How large a compiled pattern may be, in bytes.
const MAX_COMPILED: usize = 1024 * 1024;

/// A set of user ids, aliases or room ids, as a registration describes it.
#[derive(Clone, Debug)]
pub struct Namespace {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    regex: Regex,
    is_exclusive: bool,
}

impl Namespace {
    pub(crate) fn compile<'a>(
        patterns: impl IntoIterator<Item = (&'a str, bool)>,
    ) -> Result<Self, String> {
        let compile = |(pattern, is_exclusive): (&str, bool)| {
            let invalid = |error: regex::Error| format!("regex {pattern:?}: {error}");
            // By itself first: a pattern must not reach out of the group that it is put in.
            regex::RegexBuilder::new(pattern).size_limit(MAX_COMPILED).build().map_err(invalid)?;
            // Patterns begin at the id's beginning; where they end is their own matter.
            let regex = regex::RegexBuilder::new(&format!(r"\A(?:{pattern})"))
                .size_limit(MAX_COMPILED)
                .build()
                .map_err(invalid)?;
            Ok(Pattern { regex, is_exclusive })
        };
        Ok(Self { patterns: patterns.into_iter().map(compile).collect::<Result<_, String>>()? })
    }

    /// Whether an id is in the namespace.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.regex.is_match(id))
    }

    /// Whether an id is in the namespace and nobody else may use it.
    #[must_use]
    pub fn reserves(&self, id: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.is_exclusive && pattern.regex.is_match(id))
    }

    /// Whether nothing is in the namespace.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}
