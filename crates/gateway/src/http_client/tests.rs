use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(5),
    body_bytes_max: 10,
};

fn client(bounds: Bounds) -> HttpClient {
    HttpClient::new(bounds, Trust::PlainHttp).expect("a client")
}

/// A server that reads one request to its end, and does with it what `answering` does.
async fn server<F: Future<Output = ()> + Send>(
    answering: impl FnOnce(TcpStream, String) -> F + Send + 'static,
) -> Uri {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") && !request.ends_with(b"}") {
            assert_ne!(socket.read_buf(&mut request).await.expect("a request"), 0);
        }
        answering(socket, String::from_utf8(request).expect("text")).await;
    });
    let url = format!("http://{address}/page?x=1");
    url.parse().expect("a URL")
}

async fn server_that_says(answer: &'static str) -> Uri {
    server(async move |mut socket, _| {
        socket.write_all(answer.as_bytes()).await.expect("a reader");
    })
    .await
}

async fn cause(client: &HttpClient, url: &Uri) -> Cause {
    let answer = client.answer(Question::get(url)).await;
    answer.expect_err("no answer").cause
}

#[tokio::test]
async fn a_question_has_its_path_its_token_and_its_body_and_says_who_asks() {
    let url = server(async |mut socket, request| {
        let answer = match request.to_ascii_lowercase() {
            request
                if request.starts_with("post /page?x=1 http/1.1\r\n")
                    && request.contains("\r\nauthorization: bearer s3cret\r\n")
                    && request.contains("\r\ncontent-type: application/json\r\n")
                    && request.contains("\r\nuser-agent: switchboard/")
                    && request.ends_with("\r\n\r\n{\"a\":1}") =>
            {
                "HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\n0123456789"
            }
            _ => "HTTP/1.1 400 Bad Request\r\n\r\n",
        };
        socket.write_all(answer.as_bytes()).await.expect("a reader");
    })
    .await;
    let question = Question {
        method: Method::POST,
        token: Some("s3cret"),
        body: Some(br#"{"a":1}"#[..].into()),
        ..Question::get(&url)
    };
    let Answer { status, body, .. } = client(BOUNDS).answer(question).await.expect("an answer");
    assert_eq!((status.as_u16(), &body[..]), (202, &b"0123456789"[..]));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let url = server_that_says(
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let answer = client(BOUNDS).answer(Question::get(&url)).await;
    assert_eq!(answer.expect("an answer").status, StatusCode::FOUND);
}

#[tokio::test]
async fn more_than_the_bound_is_not_read_whether_it_is_announced_or_not() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n01234567890",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n678901\r\n0\r\n\r\n",
    ] {
        let url = server_that_says(answer).await;
        assert_eq!(cause(&client(BOUNDS), &url).await, Cause::TooLarge(10));
    }
}

#[tokio::test]
async fn an_answer_that_stalls_is_given_up_at_the_deadline() {
    let (head, stalled) = ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234", "");
    for begun in [head, stalled] {
        let url = server(async move |mut socket, _| {
            socket.write_all(begun.as_bytes()).await.expect("a reader");
            let _ = socket.read(&mut [0]).await;
        })
        .await;
        let total = Duration::from_millis(200);
        let hasty = client(Bounds { total, ..BOUNDS });
        assert_eq!(cause(&hasty, &url).await, Cause::TooLate(total));
    }
}

#[tokio::test]
async fn each_way_to_have_no_answer_has_its_sentence() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        format!("http://{}/", listener.local_addr().expect("an address"))
    };
    let cut = server_that_says("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234").await;
    let silent = server_that_says("").await;
    let odd = server_that_says("SSH-2.0-OpenSSH\r\n").await;
    for (url, words) in [
        (nobody, "refused"),
        (cut.to_string(), "the connection ended before"),
        (silent.to_string(), "the connection ended before"),
        (odd.to_string(), "that is not HTTP"),
        ("ftp://host/".into(), "only http:// and https://"),
        ("host:80".into(), "only http:// and https://"),
        ("/page".into(), "only http:// and https://"),
    ] {
        let asked: Uri = url.parse().expect("a URL");
        let answer = client(BOUNDS).answer(Question::get(&asked)).await;
        let told = answer.expect_err("no answer").to_string();
        assert!(
            told.starts_with(&format!("no answer from {url}: ")) && told.contains(words),
            "{told}"
        );
    }
    let url = server_that_says("").await;
    let question = Question {
        token: Some("two\nlines"),
        ..Question::get(&url)
    };
    let refused = client(BOUNDS).answer(question).await.expect_err("unsent");
    assert_eq!(refused.cause, Cause::Unsendable);
}

#[test]
fn a_file_of_certificates_has_to_be_there_and_to_hold_some() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    let told = || {
        let trust = Trust::Authorities {
            ca_file: Some(&file),
        };
        let refused = HttpClient::new(BOUNDS, trust).expect_err("no certificates");
        refused.to_string()
    };
    assert!(told().starts_with("cannot read the certificates of "));
    for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
        std::fs::write(&file, text).expect("a file");
        let told = told();
        assert!(told.contains("ca.pem holds no certificate"), "{told}");
    }
}
