//! A receiver of spans, as far as a test needs one: OTLP over HTTP, protobuf.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// Spans are exported every 100 ms here; a loaded machine may take its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What [`Manner::RejectsOne`] gives as its reason.
pub(crate) const WHY_REJECTED: &str = "a span is older than this collector keeps";

/// How it treats those who export.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It takes what comes.
    Takes,
    /// It takes all of a request but one span, and says so.
    RejectsOne,
    /// It answers 500.
    Refuses,
    /// It never answers.
    Hangs,
    /// Nobody listens.
    IsAway,
}

/// Spans that came, of all nodes.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

/// What came.
#[derive(Default)]
struct Taken {
    spans: Vec<Got>,
    /// Those that were taken, or taken in part.
    requests: usize,
    /// Of the last request.
    headers: HeaderMap,
}

/// A span, and which node it is from.
#[derive(Clone)]
pub(crate) struct Got {
    pub(crate) node: String,
    pub(crate) service: String,
    pub(crate) span: Span,
}

impl Got {
    /// An attribute as text; empty where it is missing.
    pub(crate) fn attribute(&self, key: &str) -> String {
        value(&self.span.attributes, key)
    }
}

impl Receiver {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let all = Arc::new(Mutex::new(Taken::default()));
        let receiver = Self {
            address,
            taken: all.clone(),
        };
        if manner == Manner::IsAway {
            return receiver;
        }
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let taken = all.clone();
                let answer = service_fn(move |request| take(request, taken.clone(), manner));
                let serving = http1::Builder::new().serve_connection(TokioIo::new(socket), answer);
                tokio::spawn(serving);
            }
        });
        receiver
    }

    pub(crate) fn spans(&self) -> Vec<Got> {
        self.taken.lock().expect("nobody panicked").spans.clone()
    }

    /// How many requests with spans it took, or took in part.
    pub(crate) fn requests(&self) -> usize {
        self.taken.lock().expect("nobody panicked").requests
    }

    /// A header of the last request; empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> String {
        let taken = self.taken.lock().expect("nobody panicked");
        let value = taken.headers.get(name);
        value.map_or_else(String::new, |value| {
            value.to_str().expect("text").to_owned()
        })
    }

    /// Waits for the spans of a trace that has at least these names.
    pub(crate) async fn trace(&self, trace_id: &str, names: &[&str]) -> Vec<Got> {
        let found = |mut spans: Vec<Got>| {
            spans.retain(|got| hex(&got.span.trace_id) == trace_id);
            let has = |name: &&str| spans.iter().any(|got| got.span.name == *name);
            names.iter().all(has).then_some(spans)
        };
        self.wait_for(&format!("{names:?} in trace {trace_id}"), found)
            .await
    }

    /// Waits for a span of this name that fits.
    pub(crate) async fn span(&self, name: &str, fits: impl Fn(&Got) -> bool) -> Got {
        let fits = |got: &Got| got.span.name == name && fits(got);
        self.wait_for(name, |spans| spans.into_iter().find(fits))
            .await
    }

    async fn wait_for<T>(&self, what: &str, found: impl Fn(Vec<Got>) -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(found) = found(self.spans()) {
                    return found;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("no {what} in\n{}", tree(&self.spans())))
    }
}

async fn take(
    request: Request<Incoming>,
    taken: Arc<Mutex<Taken>>,
    manner: Manner,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), "/v1/traces");
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let body = decoded(&head.headers, body);
    taken.lock().expect("nobody panicked").headers = head.headers;
    match manner {
        Manner::Takes | Manner::RejectsOne | Manner::IsAway => {}
        Manner::Refuses => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(response);
        }
        Manner::Hangs => return std::future::pending().await,
    }
    let exported = ExportTraceServiceRequest::decode(body).expect("spans");
    let mut taken = taken.lock().expect("nobody panicked");
    taken.requests += 1;
    for resource in exported.resource_spans {
        let about = resource.resource.expect("who exports").attributes;
        let (node, service) = (
            value(&about, "service.instance.id"),
            value(&about, "service.name"),
        );
        let spans = resource
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans);
        taken.spans.extend(spans.map(|span| Got {
            node: node.clone(),
            service: service.clone(),
            span,
        }));
    }
    Ok(Response::new(Full::from(match manner {
        Manner::RejectsOne => one_rejected(),
        _ => Vec::new(),
    })))
}

/// Says so that one span of a request was not taken.
fn one_rejected() -> Vec<u8> {
    let partial_success = ExportTracePartialSuccess {
        rejected_spans: 1,
        error_message: WHY_REJECTED.into(),
    };
    let answer = ExportTraceServiceResponse {
        partial_success: Some(partial_success),
    };
    answer.encode_to_vec()
}

fn decoded(headers: &HeaderMap, body: Bytes) -> Bytes {
    let Some(encoding) = headers.get("content-encoding") else {
        return body;
    };
    assert_eq!(encoding, "gzip");
    let mut plain = Vec::new();
    let read = GzDecoder::new(&*body).read_to_end(&mut plain);
    read.expect("gzip");
    plain.into()
}

fn value(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|known| known.key == key);
    let value = found.and_then(|found| found.value.as_ref());
    match value.and_then(|AnyValue { value }| value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(is_so)) => is_so.to_string(),
        _ => String::new(),
    }
}

/// As ids are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The spans as a person reads them: children below their parents, in the order in which they began.
pub(crate) fn tree(spans: &[Got]) -> String {
    let ids: Vec<_> = spans.iter().map(|got| got.span.span_id.clone()).collect();
    let mut below: BTreeMap<Vec<u8>, Vec<&Got>> = BTreeMap::new();
    for got in spans {
        let parent = &got.span.parent_span_id;
        let parent = if ids.contains(parent) {
            parent.clone()
        } else {
            Vec::new()
        };
        below.entry(parent).or_default().push(got);
    }
    for children in below.values_mut() {
        children.sort_by_key(|got| got.span.start_time_unix_nano);
    }
    let mut text = String::new();
    draw(&below, &[], 0, &mut text);
    text
}

fn draw(below: &BTreeMap<Vec<u8>, Vec<&Got>>, parent: &[u8], depth: usize, text: &mut String) {
    for got in below.get(parent).into_iter().flatten() {
        let span = &got.span;
        let micros = span
            .end_time_unix_nano
            .saturating_sub(span.start_time_unix_nano)
            / 1000;
        let outcome = got.attribute("switchboard.outcome");
        let name = format!("{:indent$}{}", "", span.name, indent = depth * 2);
        let _ = writeln!(text, "{name:32} {micros:>9} µs  {}  {outcome}", got.node);
        draw(below, &span.span_id, depth + 1, text);
    }
}
