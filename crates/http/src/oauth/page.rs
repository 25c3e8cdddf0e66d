//! How the server's pages for people look: one column, the client's colours, no script.

use axum::response::{Html, IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pli_accounts::{AccountsError, Language};
use sha2::{Digest, Sha256};

use super::browser::{Browser, CSRF};

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#f7f5f0;--sheet:#fff;--line:#e4e0d7;--ink:#1d2430;\
--ink-2:#565f6d;--seal:#1c6b58;--seal-ink:#fff;--seal-soft:#dcece6;--alarm:#a9261c;\
--alarm-soft:#fbe9e6;--edge:#747d89;font:16px/1.5 'Atkinson Hyperlegible Next',system-ui,sans-serif}\
@media(prefers-color-scheme:dark){:root{--paper:#14181d;--sheet:#1b2027;--line:#2c333d;\
--ink:#e9ecf0;--ink-2:#aab2bd;--seal:#6cc7ac;--seal-ink:#08211a;--seal-soft:#1f3a32;\
--alarm:#ff9b8f;--alarm-soft:#40211e;--edge:#949da9}}\
body{margin:0;background:var(--paper);color:var(--ink)}\
header,main{box-sizing:border-box;width:min(30rem,100vw);margin:0 auto;padding:1.5rem}\
header{padding-bottom:.5rem;font-weight:700;color:var(--seal)}\
main{background:var(--sheet);border:1px solid var(--line);border-radius:14px}\
h1{font-size:1.4rem;line-height:1.3;margin:0 0 .75rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}\
p{margin:.5rem 0}p,li,dd{overflow-wrap:anywhere}.quiet,dt{color:var(--ink-2)}dd{margin:0 0 .5rem}\
ul{padding-left:1.2rem}a{color:var(--seal)}\
label{display:block;margin:1rem 0 .25rem}label.choice{display:flex;gap:.6rem;align-items:start}\
input:not([type=checkbox]){box-sizing:border-box;width:100%;font:inherit;padding:.6rem;\
color:inherit;background:var(--paper);border:1px solid var(--edge);border-radius:8px}\
input.code{font-size:1.3rem;letter-spacing:.15em;text-transform:uppercase}\
.row{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.25rem}\
button,a.button{font:inherit;padding:.6rem 1.2rem;border-radius:8px;border:1px solid var(--seal);\
background:var(--seal);color:var(--seal-ink);text-decoration:none;cursor:pointer}\
button.other,a.button{background:transparent;color:var(--seal)}\
button.alarm{background:transparent;border-color:var(--alarm);color:var(--alarm)}\
:focus-visible{outline:3px solid var(--seal);outline-offset:2px}\
.letter{display:inline-grid;place-items:center;width:3rem;height:3rem;border-radius:12px;\
background:var(--seal-soft);color:var(--ink);font-weight:700;font-size:1.4rem}\
.problem{padding:.6rem .8rem;border-radius:8px;background:var(--alarm-soft);color:var(--alarm);\
font-weight:600}.done{padding:.6rem .8rem;border-radius:8px;background:var(--seal-soft)}";

/// Picks the text in a language.
pub(super) const fn pick<'a>(language: Language, english: &'a str, french: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::French => french,
    }
}

/// A page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    language: Language,
    title: String,
    status: StatusCode,
    body: Markup,
    /// Where else, besides this server, the answer to a form may lead.
    form_target: Option<String>,
    /// Where the browser goes by itself.
    goes_on: Option<String>,
}

impl Page {
    pub(super) fn new(language: Language, title: impl Into<String>, body: Markup) -> Self {
        let title = title.into();
        Self { language, title, status: StatusCode::OK, body, form_target: None, goes_on: None }
    }

    /// A page that says one thing.
    pub(super) fn message(language: Language, title: &str, text: &str) -> Self {
        Self::new(language, title, html! { p { (text) } })
    }

    /// A page that says what went wrong.
    pub(super) fn failed(language: Language, error: &AccountsError) -> Self {
        let title = pick(language, "This did not work", "Cela n’a pas fonctionné");
        Self::new(language, title, problem(Some(&super::words::problem(language, error))))
            .status(super::words::status(error))
    }

    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Sends the browser on to an address by itself. Unlike a redirect, this ends what a form began:
    /// its policy doesn't hold for the sites that follow.
    pub(super) fn goes_on(mut self, address: String) -> Self {
        self.goes_on = Some(address);
        self
    }

    /// Allows the answer to the page's form to lead to this address: browsers hold a form's policy
    /// against the redirects that follow it, too.
    pub(super) fn leads_to(mut self, address: &url::Url) -> Self {
        let source = match address.origin() {
            // A host in brackets can't be written in a policy.
            url::Origin::Tuple(scheme, url::Host::Ipv6(_), _) => format!("{scheme}:"),
            origin @ url::Origin::Tuple(..) => origin.ascii_serialization(),
            url::Origin::Opaque(_) => format!("{}:", address.scheme()),
        };
        self.form_target = Some(source);
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let html = html! {
            (DOCTYPE)
            html lang=(self.language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width,initial-scale=1";
                    meta name="robots" content="noindex";
                    @if let Some(address) = &self.goes_on {
                        meta http-equiv="refresh" content={ "0;url=" (address) };
                    }
                    title { (self.title) " – Pli" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header { "Pli" }
                    main {
                        h1 { (self.title) }
                        (self.body)
                    }
                }
            }
        };
        let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let target = self.form_target.map(|target| format!(" {target}")).unwrap_or_default();
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'{target}; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        let mut response = (self.status, Html(html.into_string())).into_response();
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// A text that screen readers say at once.
pub(super) fn problem(text: Option<&str>) -> Markup {
    html! {
        @if let Some(text) = text {
            p.problem role="alert" { (text) }
        }
    }
}

/// The hidden field that shows that a form is one of ours.
pub(super) fn csrf(browser: &Browser) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(browser.csrf_token()); }
}

/// The question whether somebody is let in: the form says `decision` = `allow` or `deny`.
pub(super) fn decision(browser: &Browser) -> Markup {
    let language = browser.language;
    html! {
        form method="post" {
            (csrf(browser))
            div.row {
                button name="decision" value="allow" { (pick(language, "Continue", "Continuer")) }
                button.other name="decision" value="deny" {
                    (pick(language, "Cancel", "Annuler"))
                }
            }
        }
    }
}

/// A field that people fill in.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) kind: &'a str,
    pub(super) autocomplete: &'a str,
    pub(super) value: &'a str,
}

/// Draws a field with its label.
pub(super) fn field(field: &Field<'_>) -> Markup {
    let Field { name, label, kind, autocomplete, value } = field;
    html! {
        label for=(name) { (label) }
        input id=(name) name=(name) type=(kind) autocomplete=(autocomplete) value=[
            (!value.is_empty()).then_some(value)
        ] autocapitalize="none" spellcheck="false" required;
    }
}
