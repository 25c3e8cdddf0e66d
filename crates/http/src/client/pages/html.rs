//! Drawing a page under a strict content security policy.

use std::fmt::Write;

use axum::response::{Html, IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use pli_accounts::Language;
use sha2::{Digest, Sha256};

const STYLE: &str = "\
:root{color-scheme:light dark;font:17px/1.5 system-ui,sans-serif}\
body{margin:0;display:grid;place-items:center;min-height:100vh}\
main{box-sizing:border-box;width:min(26rem,100vw);padding:1.5rem}\
h1{font-size:1.4rem;margin:0 0 .5rem}\
label{display:block;margin:1rem 0 .25rem}\
input{box-sizing:border-box;width:100%;font:inherit;padding:.6rem}\
button{font:inherit;margin-top:1rem;padding:.6rem 1.2rem}\
.problem{font-weight:600}";

/// What the specification asks a page to do once a stage is completed (section "Fallback"): tell the
/// window that opened it.
const AUTH_DONE: &str = "\
if(window.onAuthDone){window.onAuthDone()}\
else if(window.opener&&window.opener.postMessage){window.opener.postMessage('authDone','*')}";

/// A page in the making.
pub(crate) struct Page {
    language: Language,
    title: &'static str,
    status: StatusCode,
    body: String,
    tells_opener: bool,
}

impl Page {
    pub(super) fn new(language: Language, title: &'static str) -> Self {
        Self { language, title, status: StatusCode::OK, body: String::new(), tells_opener: false }
    }

    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(super) fn paragraph(mut self, text: &str) -> Self {
        push(&mut self.body, format_args!("<p>{}</p>", escape(text)));
        self
    }

    /// A text that screen readers say at once.
    pub(super) fn problem(mut self, text: Option<&str>) -> Self {
        if let Some(text) = text {
            let text = escape(text);
            push(&mut self.body, format_args!("<p class=\"problem\" role=\"alert\">{text}</p>"));
        }
        self
    }

    /// A form that posts to this page's own address.
    pub(super) fn form(mut self, fields: &[Field<'_>], button: &str) -> Self {
        self.body.push_str("<form method=\"post\">");
        for field in fields {
            let (name, value) = (escape(field.name), escape(field.value));
            match field.label {
                None => push(
                    &mut self.body,
                    format_args!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"),
                ),
                Some(label) => push(
                    &mut self.body,
                    format_args!(
                        "<label for=\"{name}\">{}</label><input id=\"{name}\" name=\"{name}\" \
                         type=\"{}\" autocomplete=\"{}\" required autofocus>",
                        escape(label),
                        field.kind,
                        field.autocomplete,
                    ),
                ),
            }
        }
        push(&mut self.body, format_args!("<button>{}</button></form>", escape(button)));
        self
    }

    /// Tells the window that opened this one that the stage is completed.
    pub(super) fn tell_opener(mut self) -> Self {
        self.tells_opener = true;
        self
    }
}

/// A field of a form. Without a label it is hidden.
pub(super) struct Field<'a> {
    pub(super) name: &'static str,
    pub(super) value: &'a str,
    pub(super) label: Option<&'a str>,
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
}

impl<'a> Field<'a> {
    pub(super) const fn hidden(name: &'static str, value: &'a str) -> Self {
        Self { name, value, label: None, kind: "hidden", autocomplete: "off" }
    }

    pub(super) const fn visible(
        name: &'static str,
        label: &'a str,
        kind: &'static str,
        autocomplete: &'static str,
    ) -> Self {
        Self { name, value: "", label: Some(label), kind, autocomplete }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let script =
            if self.tells_opener { format!("<script>{AUTH_DONE}</script>") } else { String::new() };
        let title = escape(self.title);
        let html = format!(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style></head>\
             <body><main><h1>{title}</h1>{}</main>{script}</body></html>",
            self.language.tag(),
            self.body,
        );
        let script_source =
            if self.tells_opener { hash_source(AUTH_DONE) } else { "'none'".to_owned() };
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {script_source}; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
            hash_source(STYLE),
        );
        let mut response = (self.status, Html(html)).into_response();
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

fn hash_source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

fn push(body: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = body.write_fmt(arguments);
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
