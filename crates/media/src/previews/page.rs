use std::cell::RefCell;

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind,
    },
};
use serde_json::{Map, Value};

/// How many properties of a page are read.
const MAX_PROPERTIES: usize = 50;
/// How much of a property's value is told, in characters.
const MAX_VALUE: usize = 1000;

/// What a page says of itself.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// `og:` properties, in the page's order; the first of each name counts.
    properties: Vec<(String, String)>,
    title: String,
    description: Option<String>,
    in_title: bool,
    has_title: bool,
}

struct Reader(RefCell<Page>);

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => page.read_tag(&tag),
            Token::CharacterTokens(text) => {
                if page.in_title && page.title.len() < 4 * MAX_VALUE {
                    page.title.push_str(&text);
                }
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

impl Page {
    /// Reads a page. What isn't UTF-8 in it is replaced.
    pub(super) fn parse(html: &[u8]) -> Self {
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(&String::from_utf8_lossy(html)));
        let tokenizer =
            Tokenizer::new(Reader(RefCell::new(Self::default())), TokenizerOpts::default());
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink.0.into_inner()
    }

    fn read_tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let is_start = tag.kind == TagKind::StartTag;
        match &*tag.name {
            "title" => {
                // The first one; pictures in the page have titles too.
                self.in_title = is_start && !self.has_title;
                self.has_title |= is_start;
                if is_start {
                    return TokenSinkResult::RawData(RawKind::Rcdata);
                }
            }
            "meta" if is_start => self.read_meta(tag),
            "script" if is_start => return TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "textarea" | "noscript" | "iframe" | "xmp" if is_start => {
                return TokenSinkResult::RawData(RawKind::Rawtext);
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn read_meta(&mut self, tag: &Tag) {
        let attribute = |name: &str| {
            let attribute = tag.attrs.iter().find(|attribute| &*attribute.name.local == name);
            attribute.map(|attribute| attribute.value.trim())
        };
        let Some(value) = attribute("content").filter(|value| !value.is_empty()) else { return };
        let Some(name) = attribute("property").or_else(|| attribute("name")) else { return };
        if name.eq_ignore_ascii_case("description") {
            self.description.get_or_insert_with(|| shortened(value));
        }
        if name.starts_with("og:")
            && self.properties.len() < MAX_PROPERTIES
            && !self.properties.iter().any(|(known, _)| known == name)
        {
            self.properties.push((name.to_owned(), shortened(value)));
        }
    }

    /// The address of the page's picture, as the page has it.
    pub(super) fn picture(&self) -> Option<&str> {
        ["og:image", "og:image:secure_url", "og:image:url"].into_iter().find_map(|name| {
            let found = self.properties.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| &**value)
        })
    }

    /// The page's properties; where it has no title or description for others, its own.
    pub(super) fn into_preview(self) -> Map<String, Value> {
        let mut preview: Map<String, Value> =
            self.properties.into_iter().map(|(name, value)| (name, value.into())).collect();
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        if !preview.contains_key("og:title") && !title.is_empty() {
            preview.insert("og:title".to_owned(), shortened(&title).into());
        }
        if let Some(description) = self.description
            && !preview.contains_key("og:description")
        {
            preview.insert("og:description".to_owned(), description.into());
        }
        preview
    }
}

fn shortened(value: &str) -> String {
    value.chars().take(MAX_VALUE).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn preview(html: &str) -> Value {
        Value::Object(Page::parse(html.as_bytes()).into_preview())
    }

    #[test]
    fn a_page_is_shown_as_it_says() {
        let html = r#"<!doctype html><html><head><title>Le  film &amp; plus</title>
            <meta property="og:title" content="Le film &eacute;trange">
            <meta property='og:title' content='second'>
            <META NAME=description CONTENT="Un film">
            <script>document.write('<meta property="og:url" content="evil">')</script>
            </head><body><svg><title>nom</title></svg>"#;
        let expected = json!({ "og:title": "Le film étrange", "og:description": "Un film" });
        assert_eq!(preview(html), expected);
    }

    #[test]
    fn a_page_without_properties_has_its_title() {
        assert_eq!(preview("<title>\n Accueil\n </title>"), json!({ "og:title": "Accueil" }));
        assert_eq!(preview("no page at all"), json!({}));
        assert_eq!(preview("<title>never closed"), json!({ "og:title": "never closed" }));
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        let page = Page::parse(b"<title>caf\xe9</title>");
        assert_eq!(page.title, "caf\u{fffd}");
    }
}
