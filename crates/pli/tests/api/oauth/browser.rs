//! A browser without script: it keeps cookies, follows links within the server, and sends forms.

use std::collections::BTreeMap;

use reqwest::{RequestBuilder, StatusCode, header::HeaderMap, redirect::Policy};

use super::query;
use crate::support::TestServer;

pub(crate) struct Browser<'a> {
    server: &'a TestServer,
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    pub(crate) language: &'static str,
    pub(crate) set_cookies: Vec<String>,
}

/// What a browser shows, or is told to go to.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(server: &'a TestServer) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        let cookies = BTreeMap::new();
        Self { server, http, cookies, language: "en", set_cookies: Vec::new() }
    }

    /// Opens a page and follows where it leads within this server.
    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let mut page = self.get(path).await;
        while let Some(next) = page.location().filter(|next| next.starts_with('/')) {
            page = self.get(&next).await;
        }
        page
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = self.http.get(self.server.url(path));
        self.send(path, request).await
    }

    /// Sends the first form of a page with these fields filled in, and follows where it leads within
    /// this server.
    pub(crate) async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let hidden = page.hidden_fields();
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        let answer = self.post(&page.path, &fields).await;
        match answer.location().filter(|next| next.starts_with('/')) {
            Some(next) => self.open(&next).await,
            None => answer,
        }
    }

    /// Sends a form as it is.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self
            .http
            .post(self.server.url(path))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(query(fields));
        self.send(path, request).await
    }

    /// Opens a page that asks who one is, and says so.
    pub(crate) async fn sign_in(&mut self, name: &str, password: &str, path: &str) -> Page {
        let page = self.open(path).await;
        assert!(page.html.contains("name=\"password\""), "not a sign-in page: {}", page.html);
        self.submit(&page, &[("username", name), ("password", password)]).await
    }

    async fn send(&mut self, path: &str, request: RequestBuilder) -> Page {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            request.header("accept-language", self.language).header("cookie", cookies.join("; "));
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        for cookie in headers.get_all("set-cookie") {
            let text = cookie.to_str().unwrap();
            self.set_cookies.push(text.to_owned());
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status();
        let html = response.text().await.unwrap();
        Page { path: path.to_owned(), status, headers, html }
    }

    pub(crate) fn cookies_are_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    pub(crate) fn take_cookies(&mut self) -> BTreeMap<String, String> {
        std::mem::take(&mut self.cookies)
    }
}

impl Page {
    pub(crate) fn location(&self) -> Option<String> {
        Some(self.headers.get("location")?.to_str().unwrap().to_owned())
    }

    /// A parameter that the address to go to carries, in its query or its fragment.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let location = self.location().unwrap_or_else(|| panic!("no redirect: {}", self.html));
        let url = url::Url::parse(&location).unwrap();
        let text = url.query().or(url.fragment()).unwrap_or_default().to_owned();
        url::form_urlencoded::parse(text.as_bytes())
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    }

    fn hidden_fields(&self) -> Vec<(String, String)> {
        let form = self.html.split("</form>").next().unwrap_or_default();
        let inputs = form.split("<input type=\"hidden\"").skip(1);
        inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
    }

    /// The value of a hidden field of the first form.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let fields = self.hidden_fields();
        fields.into_iter().find(|(known, _)| known == name).unwrap().1
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.html.contains(text), "{text:?} is not in {}", self.html);
    }
}

fn attribute(tag: &str, name: &str) -> String {
    let after = tag.split(&format!("{name}=\"")).nth(1).unwrap();
    after.split('"').next().unwrap().replace("&amp;", "&")
}
