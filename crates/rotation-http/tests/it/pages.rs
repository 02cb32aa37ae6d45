//! Lists whose pages lead in circles or have no end, in each way that the next page is found.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use rotation_core::{BackendError, ErrorClass};
use rotation_http::{AllowedHosts, ApiKeyDocument, HttpBackend, Paging};
use rotation_test_servers::http::{Answers, AtOnce};
use serde_json::{Value, json};

use crate::support::{TOKEN, World, admin, description, from_json};

/// Which page follows the page of this number.
type Next = fn(usize) -> Option<usize>;

/// How a reply names that page.
type Named = fn(usize) -> Value;

/// A provider whose list has a key on each page, the current one on the first.
#[derive(Clone)]
struct Provider {
    next: Next,
    named: Named,
    asked: Arc<Mutex<Vec<(Method, usize)>>>,
}

impl Provider {
    fn new(next: Next, named: Named) -> Self {
        let asked = Arc::default();
        Self { next, named, asked }
    }

    fn page(&self, request: &Request<Bytes>) -> Value {
        let page = request
            .uri()
            .query()
            .and_then(|query| query.strip_prefix("page="));
        let page = page.map_or(0, |number| number.parse().unwrap());
        let mut asked = self.asked.lock().unwrap();
        asked.push((request.method().clone(), page));
        // Keys differ from page to page, a repeated one too: only where it leads can tell.
        let nth = asked.len();
        let mut body = json!({"key": "made", "id": "new", "keys": [
            {"id": if nth == 1 { "1".to_owned() } else { format!("other-{nth}") }, "label": "by hand"},
        ]});
        if let Some(next) = (self.next)(page) {
            body["next"] = (self.named)(next);
        }
        body
    }

    /// How many pages were asked for, and whether a key was.
    fn counts(&self) -> (usize, bool) {
        let asked = self.asked.lock().unwrap();
        let of = |wanted: Method| asked.iter().filter(|(method, _)| *method == wanted).count();
        (of(Method::GET), of(Method::POST) > 0)
    }
}

impl Answers for Provider {
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let body = self.page(&request).to_string();
        Response::new(Bytes::from(body))
    }
}

/// By a URL and by a cursor.
fn ways() -> [(Paging, Named); 2] {
    [
        (Paging::url_at("/next"), |page| json!(format!("?page={page}"))),
        (Paging::cursor_at("/next", "page"), |page| json!(page)),
    ]
}

async fn create(paging: Paging, provider: &Provider) -> Result<ApiKeyDocument, BackendError> {
    let hosts = AllowedHosts::new(["api.vendor.com"]).unwrap();
    let described = description().pages(paging).build().unwrap();
    let backend = HttpBackend::new(described, admin(), hosts).unwrap();
    let current = from_json(json!({
        "api_endpoint": "https://api.vendor.com", "account_id": 7, "api_key": "k", "key_id": "1",
    }));
    let backend = backend.with_transport(AtOnce(provider.clone()));
    World::manual().create(&backend, TOKEN, &current, &[]).await
}

#[tokio::test]
async fn a_circle_of_pages_of_any_length_is_left_at_once_and_no_key_is_made() {
    let circles: [(Next, usize); 5] = [
        (|_| Some(0), 2),                                      // none, 0, 0
        (|page| Some(page.max(1)), 2),                         // none, 1, 1
        (|page| Some(if page == 1 { 2 } else { 1 }), 3),       // none, 1, 2, 1
        (|page| Some(page % 3 + 1), 4),                        // none, 1, 2, 3, 1
        (|page| Some(if page < 7 { page + 1 } else { 3 }), 8), // none, 1, 2, 3 … 7, 3
    ];
    for (next, asked) in circles {
        for (paging, named) in ways() {
            let provider = Provider::new(next, named);
            let error = create(paging.clone(), &provider).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Misconfigured, "{error}");
            assert!(error.to_string().contains("leads back"), "{paging:?}: {error}");
            assert_eq!(provider.counts(), (asked, false), "{paging:?}");
        }
    }
}

#[tokio::test]
async fn a_hundred_pages_are_read_and_not_one_more() {
    for (paging, named) in ways() {
        let provider = Provider::new(|page| (page < 99).then_some(page + 1), named);
        create(paging.clone(), &provider).await.unwrap();
        assert_eq!(provider.counts(), (100, true), "{paging:?}");

        let provider = Provider::new(|page| (page < 100).then_some(page + 1), named);
        let error = create(paging.clone(), &provider).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Misconfigured, "{error}");
        assert!(error.to_string().contains("more than 100 pages"), "{error}");
        assert_eq!(provider.counts(), (100, false), "{paging:?}");
    }
    // Numbers lead nowhere themselves: pages are asked for while they have keys.
    let provider = Provider::new(|_| None, |_| json!(null));
    let error = create(Paging::numbered("page", 0), &provider).await.unwrap_err();
    assert!(error.to_string().contains("more than 100 pages"), "{error}");
    assert_eq!(provider.counts(), (100, false));
}
