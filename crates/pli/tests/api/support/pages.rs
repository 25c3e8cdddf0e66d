//! The server's own pages, as a browser meets them.

use reqwest::header;

use super::TestServer;

impl TestServer {
    /// Sends a page's form to the page's address.
    pub(crate) async fn submit_form(
        &self,
        url: &str,
        fields: &[(&str, &str)],
    ) -> reqwest::Response {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.http
            .post(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap()
    }
}
